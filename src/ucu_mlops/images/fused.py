"""The network's layers as a GPU does them fastest: the same weights under the same names.

patches → one product · query, key and value → one product · residuals in bf16 · GELU in the product
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import ViTForImageClassification
from transformers.models.vit.modeling_vit import ViTAttention, ViTMLP


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
        return torch.unflatten(tokens.transpose(1, 2), 2, (rows, columns))


class OneProductAttention(ViTAttention):
    """Query, key and value come out of one product instead of three."""

    def forward(  # type: ignore[override]  # what transformers' kwargs name is not used here
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, shape ``(n, n_tokens, width)``; on a CPU as transformers does."""
        if hidden_states.is_cuda:
            return self.at_once(hidden_states), None
        return super().forward(hidden_states, attention_mask, **kwargs)

    def at_once(self, tokens: Tensor) -> Tensor:
        """Attend, shape ``(n, n_tokens, width)``."""
        together = functional.linear(tokens, *self.joined())
        heads = torch.unflatten(together, 2, (3, self.num_attention_heads, self.head_dim))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        dropout = self.attention_dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        answer: Tensor = self.o_proj(seen.transpose(1, 2).flatten(2))
        return answer

    def joined(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the one product."""
        parts = (self.q_proj, self.k_proj, self.v_proj)
        bias = torch.cat([each.bias for each in parts]) if self.config.qkv_bias else None
        return torch.cat([each.weight for each in parts]), bias


class JoinedAttention(OneProductAttention):
    """The same where the weights stay as they are: joined once."""

    joined_weight: Tensor
    joined_bias: Tensor | None

    def join(self) -> None:
        """Keep the joined weights."""
        weight, bias = super().joined()
        self.register_buffer("joined_weight", weight.detach())
        self.register_buffer("joined_bias", None if bias is None else bias.detach())

    def joined(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the one product."""
        return self.joined_weight, self.joined_bias


@torch.library.custom_op("ucu_mlops::linear_gelu", mutates_args=())
def linear_gelu(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Multiply and apply GELU at once.

    By its tanh form on a GPU: in bf16 it differs from the exact one by less than rounding does.
    """
    flat = inputs.flatten(0, -2)
    done = torch._addmm_activation(bias, flat, weight.t(), use_gelu=True)  # noqa: SLF001  # no public name yet
    return torch.unflatten(done, 0, inputs.shape[:-1])


@linear_gelu.register_fake
def _(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # noqa: ARG001  # the op's signature
    return inputs.new_empty((*inputs.shape[:-1], len(weight)))


class GeluInProduct(ViTMLP):
    """A layer's two products, the activation within the first; without gradients."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Go through both products, shape ``(n, n_tokens, width)``."""
        weight = self.fc1.weight
        hidden: Tensor = self.fc2(
            linear_gelu(hidden_states.to(weight.dtype), weight, self.fc1.bias)
        )
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


def settle_weights(network: ViTForImageClassification) -> None:
    """Go further where weights no longer change: joined once, GELU within the product."""
    for layer in network.vit.layers:
        attention: Any = layer.attention
        attention.__class__ = JoinedAttention
        attention.join()
        if network.config.hidden_act == "gelu":
            layer.mlp.__class__ = GeluInProduct


def _narrowed(_module: nn.Module, _given: Any, tokens: Tensor) -> Tensor:
    """Keep what runs past the layers in the products' own type: half the bytes to move."""
    kind = tokens.device.type
    return tokens.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tokens
