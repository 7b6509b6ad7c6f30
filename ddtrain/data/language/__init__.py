"""Other samples made of texts: ``masked`` makes gaps in them, ``cooccurrence`` counts words that stand together,
``numerals`` spells numbers.
"""
