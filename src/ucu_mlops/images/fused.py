"""The network's layers as a GPU does them fastest: the same weights under the same names.

patches → one product · query, key and value → one product · residuals in bf16 · GELU in the product
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import ViTForImageClassification
from transformers.models.vit.modeling_vit import ViTMLP, ViTAttention


class PatchProduct(nn.Conv2d):
    """Patches that do not overlap need no convolution: half of a millisecond instead of three."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed patches, shape ``(n, width, rows, columns)``."""
        size = self.kernel_size[0]
        n, channels, height, width = pictures.shape
        rows, columns = height // size, width // size
        cut = pictures.reshape(n, channels, rows, size, columns, size)
        flat = cut.permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, -1)
        tokens = functional.linear(flat, self.weight.reshape(len(self.weight), -1), self.bias)
        return tokens.transpose(1, 2).unflatten(2, (rows, columns))


class OneProductAttention(ViTAttention):
    """Query, key and value come out of one product instead of three."""

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, shape ``(n, n_tokens, width)``; on a CPU as transformers does."""
        if not hidden_states.is_cuda:
            given: tuple[Tensor, Tensor | None] = super().forward(
                hidden_states, attention_mask, **kwargs
            )
            return given
        parts = (self.q_proj, self.k_proj, self.v_proj)
        weight = torch.cat([each.weight for each in parts])
        bias = torch.cat([each.bias for each in parts]) if self.config.qkv_bias else None
        together = functional.linear(hidden_states, weight, bias)
        heads = together.unflatten(2, (3, self.num_attention_heads, self.head_dim))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        return self.o_proj(seen.transpose(1, 2).flatten(2)), None


@torch.library.custom_op("ucu_mlops::linear_gelu", mutates_args=())
def linear_gelu(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Multiply and apply GELU at once, by its tanh form, which bf16 does not tell from the exact."""
    flat = inputs.flatten(0, -2)
    done = torch._addmm_activation(bias, flat, weight.t(), use_gelu=True)  # noqa: SLF001  # no public name yet
    return done.unflatten(0, inputs.shape[:-1])


@linear_gelu.register_fake
def _(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # noqa: ARG001  # the op's signature
    return inputs.new_empty((*inputs.shape[:-1], len(weight)))


class GeluInProduct(ViTMLP):
    """A layer's two products, the activation within the first; without gradients."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Go through both products, shape ``(n, n_tokens, width)``."""
        weight = self.fc1.weight
        hidden: Tensor = self.fc2(linear_gelu(hidden_states.to(weight.dtype), weight, self.fc1.bias))
        return hidden


def fuse(network: ViTForImageClassification) -> None:
    """Give a network on a GPU the forms above, gradients kept; weights stay where they are."""
    embeddings = network.vit.embeddings
    projection = embeddings.patch_embeddings.projection
    if type(projection) is nn.Conv2d:
        projection.__class__ = PatchProduct
    for layer in network.vit.layers:
        layer.attention.__class__ = OneProductAttention
    if not embeddings._forward_hooks:  # noqa: SLF001  # once is enough
        embeddings.register_forward_hook(_narrowed)


def fuse_activation(network: ViTForImageClassification) -> None:
    """Put a network's GELU into its products, where no gradient is needed."""
    if network.config.hidden_act == "gelu":
        for layer in network.vit.layers:
            layer.mlp.__class__ = GeluInProduct


def _narrowed(_module: nn.Module, _given: Any, tokens: Tensor) -> Tensor:
    """Keep what runs past the layers in the products' own type: half the bytes to move."""
    kind = tokens.device.type
    return tokens.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tokens
