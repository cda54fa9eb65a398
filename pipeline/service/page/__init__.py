"""The map page: its files, what it needs to start, and the base map it is drawn on."""

from pipeline.service.page.routes import router

__all__ = ["router"]
