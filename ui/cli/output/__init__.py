"""Everything the command line prints: text, progress, figures, plots, reports."""
