"""The doctor: what is wrong with a library, what it means, and how it is put right."""

from indexer.doctor.finding import Finding
from indexer.doctor.visit import examination, examine, repair

__all__ = ["Finding", "examination", "examine", "repair"]
