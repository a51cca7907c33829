"""Bad rule files by the thousand: every way to spoil a good one, by kind, with where the fault must be told.

`form.py` are those that the published schema refuses too, `meaning.py` those that only we see; `texts.py` are no plain
YAML at all.
"""
