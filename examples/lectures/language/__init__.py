"""Language models and the vectors of words: what they learn, and how much of it a picture or an analogy shows."""
