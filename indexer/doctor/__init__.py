"""The doctor: checks a library for problems and repairs them."""

from indexer.doctor.examination import examination, examine, repair
from indexer.doctor.finding import Finding

__all__ = ["Finding", "examination", "examine", "repair"]
