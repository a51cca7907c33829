"""A plain, slow evaluator of the shipped rules, written from rules.md and domain.md alone: what the product is held to.

It shares the vocabulary (domain/, the history's entries) and the reference lists with the product, and none of its
code. It looks at everything again for every question and keeps nothing.
"""
