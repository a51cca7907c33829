"""How people and dashboards look in: FastAPI over the same pure transitions and the same store."""
