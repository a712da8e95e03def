"""Codes of the trade with their checks: credit code, waste code and catalogue, label number, batch code, manifest.

A check returns a list of findings in words; whether a finding blocks or only warns is said with each. Tables are data
files of this package, read when first asked for: importing a module here reads none.
"""
