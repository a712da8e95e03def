"""The operator's web page of the box. It knows the box only through `domain/view.py`; it holds no weight and no record."""
