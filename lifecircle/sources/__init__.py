"""The only readers of files and web: they hand over clean layers and say what was dropped."""
