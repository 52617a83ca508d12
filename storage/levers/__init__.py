"""Levers: an operator's action on each generation of a selection. `schemas.levers` has the words.

- `selecting`: the selection as SQL, with what each lever acts on.
- `walking`: the generations that a selection may have, in windows, so that no statement is long.
- `counting`: how many, with the money at stake. Changes nothing.
- `acting`: one generation in one transaction.
- `running`: all of a selection, one after the other.
- `bounding`: no more than the operator has seen in a count.
"""
