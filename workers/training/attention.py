"""Attention over packed rows, each by itself, at a cost that grows with the rows and no faster.

TRL's collator sends the borders of the rows (`cu_seq_lens_q`) along with a packed batch; SDPA
builds a dense mask of (tokens)² from it. Here each row is a causal attention of its own, on CUDA by
torch's variable-length kernel. Registered through the public interface of transformers.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

try:  # since torch 2.10
    from torch.nn.attention.varlen import varlen_attn
except ImportError:
    varlen_attn = None

NAME = "cultivar_packed"
_WIDEST = 256


def register() -> None:
    """Make the attention known under `NAME`."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, mask)


def suits(config: Any) -> bool:
    """Tell whether a model's attention is plain and causal, so that ours stands for it."""
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    windowed = getattr(config, "sliding_window", None) and getattr(
        config, "use_sliding_window", True
    )
    return layers == {"full_attention"} and not windowed


def mask(*arguments: Any, **named: Any) -> torch.Tensor | None:
    """No mask for packed rows, whose borders come beside them; SDPA's own for padded ones."""
    if named.get("attention_mask") is None and named["q_length"] == named["kv_length"]:
        return None
    return sdpa_mask(*arguments, **named)


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **named: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of (batch, heads, tokens, width) tensors; (batch, tokens, heads, width) comes out.

    Without borders (generation, padded batches) it is SDPA.
    """
    borders = named.get("cu_seq_lens_q")
    if borders is None or attention_mask is not None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **named
        )
    groups = getattr(module, "num_key_value_groups", 1)
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    kind = None if dropout else kernel_type(query)
    if kind is not None:
        flat = [each.to(kind) for each in (query, key, value)]
        out = _by_kernel(*flat, borders, named["max_length_q"], scaling)
        return out.to(query.dtype), None
    parts = [
        scaled_dot_product_attention(
            query[:, :, begin:end],
            key[:, :, begin:end],
            value[:, :, begin:end],
            dropout_p=dropout,
            scale=scaling,
            is_causal=True,
        )
        for begin, end in torch.stack([borders[:-1], borders[1:]], dim=1).tolist()
    ]
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def kernel_type(query: torch.Tensor) -> torch.dtype | None:
    """The half type in which the kernel takes these queries; None where it cannot.

    It is FlashAttention: from Ampere on, half types, heads of up to 256 in steps of 8. Beside a
    base in 4 bits PEFT holds the norms in float32, which widens what comes behind them; there
    autocast tells the type, as it does in the attentions of transformers.
    """
    width = query.shape[-1]
    if varlen_attn is None or not _is_ampere(query.device) or width % 8 or width > _WIDEST:
        return None
    if query.dtype is torch.float32 and torch.is_autocast_enabled(query.device.type):
        kind = torch.get_autocast_dtype(query.device.type)
    else:
        kind = query.dtype
    return kind if kind in (torch.bfloat16, torch.float16) else None


def _is_ampere(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def _by_kernel(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    borders: torch.Tensor,
    longest: int,
    scaling: float | None,
) -> torch.Tensor:
    """One kernel over all rows; it takes (tokens, heads, width)."""
    flat = [each.squeeze(0).transpose(0, 1).contiguous() for each in (query, key, value)]
    out = varlen_attn(*flat, borders, borders, longest, longest, scale=scaling, window_size=(-1, 0))
    return out.unsqueeze(0)
