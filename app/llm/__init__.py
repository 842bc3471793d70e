"""Teachers: the one door through which a language model is asked."""
