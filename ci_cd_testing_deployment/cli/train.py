"""`fraud train`: the verb of model training."""

from model.training.train_model import train

__all__ = ["train"]
