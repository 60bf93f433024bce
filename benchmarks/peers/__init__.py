"""Pipelines of other libraries for the same work, each run as a process of its own."""
