"""The doctor: find what is wrong with a library, and repair it."""

from indexer.doctor.examination import examination, examine, repair
from indexer.doctor.finding import Finding

__all__ = ["Finding", "examination", "examine", "repair"]
