"""How a search is shown: ``findings`` (what there is to show), ``tables`` (in words), ``parallel_coordinates`` (as a
picture), ``pages`` (one HTML file).
"""
