"""The surface that training moves on: whether it is convex, what symmetry does to it, and where it is flat."""
