"""What stands before every route: who is answered, how much may be asked, what is told about it."""

from pipeline.service.guard.stack import guarded

__all__ = ["guarded"]
