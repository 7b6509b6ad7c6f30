"""Recipes on handwritten digits: ``softmax svm mlp autoencoder``; ``to_words`` spells numbers."""
