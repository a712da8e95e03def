"""The operator's web page of the box: knows the box only through `domain/view.py`.

It holds no weight, no record and no rule of weighing.
"""
