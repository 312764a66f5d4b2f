"""Writes octet's float export (docs/float_export.md) from PyTorch models.

    import octet_export
    octet_export.export(model, (1, 3, 224, 224), "model.safetensors", calibration="images/",
                        preprocess={...})
"""
from .errors import ExportError
from .export import export

__all__ = ["ExportError", "export"]
