"""The trainer: a folder with rows and settings in; an adapter, metrics and a model card out."""
