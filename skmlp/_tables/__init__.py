"""Tables: estimators that take columns of any kind."""
