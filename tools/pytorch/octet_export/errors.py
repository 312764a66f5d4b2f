"""The one exception of the exporter."""


class ExportError(ValueError):
    """The model, its calibration or an option cannot be exported as it is.

    The message says which module or option it is about, what is wrong with it and what to do.
    """


def at(path):
    """Returns the name of the module with this path for messages; the root's path is empty."""
    return f"module '{path}'" if path else "the model's own forward"
