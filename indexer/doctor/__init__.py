"""The doctor: what is wrong with a library, what it means, and how it is put right."""

from indexer.doctor.examination import examination, examine, repair
from indexer.doctor.finding import Finding

__all__ = ["Finding", "examination", "examine", "repair"]
