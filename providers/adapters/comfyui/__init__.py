"""ComfyUI (https://github.com/Comfy-Org/ComfyUI), a server for graphs of nodes on hardware of one's own."""

from providers.adapters.comfyui.adapter import ComfyUI as Adapter

__all__ = ["Adapter"]
