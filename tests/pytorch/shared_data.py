"""Where the shared models and images are, and state dicts from there."""
import os
import sys

import torch

sys.path.insert(0,
                os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data"))
import shared_folder  # noqa: E402

FOLDER = shared_folder.shared_folder()


def path(*names):
    """-> the path of a shared file or folder, or None where it is absent."""
    found = os.path.join(FOLDER, *names)
    return found if os.path.exists(found) else None


def skipped(*names):
    """-> what a test says that needs these files or folders, some of which are absent."""
    return shared_folder.skipped(FOLDER, *(name for name in names if not path(name)))


def load(model, file):
    """-> the model in eval mode with the weights of a state dict, whose names may start with
    'module.'."""
    state = torch.load(file, map_location="cpu")
    state = state.get("state_dict", state)
    model.load_state_dict({name[len("module."):] if name.startswith("module.") else name: v
                           for name, v in state.items()})
    return model.eval()
