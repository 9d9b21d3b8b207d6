"""What pages cost, beside hand-written SQLAlchemy and other libraries."""
