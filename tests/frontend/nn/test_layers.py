"""Layers: their state, their text, what they compute and what they refuse."""

import copy
import pickle

import flambeau
import pytest
from flambeau import nn


def t(values, **kwargs):
    return flambeau.tensor(values, dtype=flambeau.float64, **kwargs)


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize(
    ("lazy", "plain", "shape"),
    [
        (lambda: nn.LazyLinear(3), lambda: nn.Linear(4, 3), (2, 4)),
        (lambda: nn.LazyConv1d(3, 2), lambda: nn.Conv1d(4, 3, 2), (2, 4, 5)),
        (
            lambda: nn.LazyConvTranspose2d(4, 2, groups=2),
            lambda: nn.ConvTranspose2d(6, 4, 2, groups=2),
            (2, 6, 3, 3),
        ),
        (lambda: nn.LazyBatchNorm2d(), lambda: nn.BatchNorm2d(3), (2, 3, 2, 2)),
        (
            lambda: nn.LazyInstanceNorm1d(affine=True, track_running_stats=True),
            lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
            (2, 3, 4),
        ),
    ],
)
def test_lazy_layers_become_plain_ones(lazy, plain, shape):
    layer, like = lazy(), plain()
    assert layer.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="uninitialized"):
        _ = layer.weight.shape
    copied = copy.deepcopy(layer)
    loaded = lazy()
    x = flambeau.ones(shape)
    layer(x)
    copied(x)
    assert type(layer) is type(like)
    assert repr(layer) == repr(like)
    shapes = {k: tuple(v.shape) for k, v in like.state_dict().items()}
    assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == shapes
    assert type(copied) is type(like)
    loaded.load_state_dict(layer.state_dict())
    assert flambeau.equal(loaded(x), layer(x)) or layer.training


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_lazy_layer_is_saved_before_its_first_call():
    layer = nn.LazyLinear(3)
    again = pickle.loads(pickle.dumps(layer))
    again(flambeau.ones(1, 2))
    assert again.weight.shape == (3, 2)
    other = nn.LazyLinear(3)
    other.load_state_dict(layer.state_dict())
    assert other.has_uninitialized_params()


def test_linear_starts_within_its_bound():
    layer = nn.Linear(100, 50)
    assert float(layer.weight.detach().abs().max()) <= 0.1
    assert float(layer.bias.detach().abs().max()) <= 0.1
    assert nn.Linear(2, 2, bias=False).bias is None


def test_conv_padding_modes_pad_first():
    conv = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    with flambeau.no_grad():
        conv.weight.copy_(flambeau.tensor([[[1.0, 0.0, 0.0]]]))
    y = conv(flambeau.tensor([[[1.0, 2.0, 3.0]]]))
    assert y.detach().tolist() == [[[3.0, 1.0, 2.0]]]


def test_conv_same_padding_keeps_the_size():
    conv = nn.Conv2d(1, 1, (2, 3), padding="same", dilation=2)
    assert conv(flambeau.ones(1, 1, 5, 6)).shape == (1, 1, 5, 6)
    with pytest.raises(ValueError, match="strided"):
        nn.Conv2d(1, 1, 3, stride=2, padding="same")
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.Conv2d(3, 4, 3, groups=2)


def test_conv_transpose_output_size():
    conv = nn.ConvTranspose1d(1, 1, 3, stride=2)
    assert conv(flambeau.ones(1, 1, 4)).shape[-1] == 9
    assert conv(flambeau.ones(1, 1, 4), output_size=[10]).shape[-1] == 10
    with pytest.raises(ValueError, match="valid sizes"):
        conv(flambeau.ones(1, 1, 4), output_size=[12])


def test_batch_norm_keeps_statistics():
    norm = nn.BatchNorm1d(2, momentum=0.5).double()
    x = t([[1.0, 0.0], [3.0, 4.0]])
    norm(x)
    assert norm.running_mean.tolist() == [1.0, 1.0]
    assert norm.running_var.tolist() == [1.5, 4.5]
    assert int(norm.num_batches_tracked) == 1
    norm.eval()
    y = norm(x).detach()
    assert flambeau.allclose(y[0, 0], t(0.0), atol=1e-6)
    average = nn.BatchNorm1d(2, momentum=None).double()
    average(x)
    average(x + 2)
    assert average.running_mean.tolist() == [3.0, 3.0]
    average.reset_running_stats()
    assert average.running_mean.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="2D or 3D"):
        norm(flambeau.ones(1, 2, 3, 4))


def test_batch_norm_without_statistics_uses_the_batch_always():
    norm = nn.BatchNorm1d(1, affine=False, track_running_stats=False).double().eval()
    y = norm(t([[1.0], [3.0]]))
    assert flambeau.allclose(y, t([[-1.0], [1.0]]), atol=1e-4)
    assert norm.state_dict() == {}


def test_convert_sync_batch_norm():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert isinstance(converted[1], nn.SyncBatchNorm)
    assert converted[1].weight is net[1].weight


def test_embedding_padding_and_freeze():
    table = nn.Embedding(3, 2, padding_idx=-1)
    assert table.padding_idx == 2
    assert table.weight[2].detach().tolist() == [0.0, 0.0]
    table(flambeau.tensor([2, 0])).sum().backward()
    assert table.weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    frozen = nn.Embedding.from_pretrained(flambeau.ones(2, 2))
    assert not frozen.weight.requires_grad
    with pytest.raises(AssertionError, match="Padding_idx"):
        nn.Embedding(3, 2, padding_idx=3)


def test_attention_is_softmax_of_products():
    flambeau.manual_seed(0)
    attention = nn.MultiheadAttention(4, 1, batch_first=True).double()
    x = flambeau.randn(2, 3, 4, dtype=flambeau.float64)
    out, weights = attention(x, x, x)
    q, k, v = (x @ attention.in_proj_weight.t()).chunk(3, -1)
    want = ((q @ k.transpose(1, 2)) / 2).softmax(-1)
    assert flambeau.allclose(weights, want)
    assert flambeau.allclose(out, attention.out_proj(want @ v))
    fused, none = attention(x, x, x, need_weights=False)
    assert none is None
    assert flambeau.allclose(fused, out)
    single, _ = attention(x[0], x[0], x[0])
    assert flambeau.allclose(single, out[0])


def test_attention_masks():
    attention = nn.MultiheadAttention(4, 2, batch_first=True).double()
    x = flambeau.randn(2, 3, 4, dtype=flambeau.float64)
    causal = flambeau.ones(3, 3).triu(1).bool()
    _, weights = attention(x, x, x, attn_mask=causal, average_attn_weights=False)
    assert weights.shape == (2, 2, 3, 3)
    assert float(weights.detach()[:, :, 0, 1:].abs().sum()) == 0
    padding = flambeau.tensor([[False, False, True], [False, False, False]])
    out, weights = attention(x, x, x, key_padding_mask=padding)
    assert float(weights.detach()[0, :, 2].abs().sum()) == 0
    fused, _ = attention(x, x, x, key_padding_mask=padding, need_weights=False)
    assert flambeau.allclose(fused, out)
    hinted, _ = attention(x, x, x, attn_mask=causal, is_causal=True, need_weights=False)
    plain, _ = attention(x, x, x, attn_mask=causal)
    assert flambeau.allclose(hinted, plain)
    with pytest.raises(RuntimeError, match="shape of the 2D attn_mask"):
        attention(x, x, x, attn_mask=causal[:2])


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_ignores_what_is_masked(norm_first):
    flambeau.manual_seed(0)
    net = nn.Transformer(
        8, 2, 1, 1, 16, batch_first=True, norm_first=norm_first, dropout=0.0
    ).double()
    src = flambeau.randn(1, 4, 8, dtype=flambeau.float64)
    tgt = flambeau.randn(1, 3, 8, dtype=flambeau.float64)
    mask = net.generate_square_subsequent_mask(3, dtype=flambeau.float64)
    first = net(src, tgt, tgt_mask=mask)
    changed = tgt.clone()
    changed[:, 2, 0] += 1
    second = net(src, changed, tgt_mask=mask)
    assert flambeau.allclose(first[:, :2], second[:, :2])
    assert not flambeau.allclose(first[:, 2], second[:, 2])
    with pytest.raises(RuntimeError, match="feature number"):
        net(src[..., :4], tgt)


def test_adaptive_softmax_sums_to_one():
    flambeau.manual_seed(0)
    head = nn.AdaptiveLogSoftmaxWithLoss(32, 10, [3, 6]).double()
    x = flambeau.randn(5, 32, dtype=flambeau.float64)
    y = flambeau.tensor([0, 4, 9, 2, 7])
    full = head.log_prob(x)
    assert flambeau.allclose(full.exp().sum(1), flambeau.ones(5).double())
    output, loss = head(x, y)
    want = full.gather(1, y.unsqueeze(1)).squeeze(1)
    assert flambeau.allclose(output, want)
    assert flambeau.allclose(loss, -want.mean())
    assert flambeau.equal(head.predict(x), full.argmax(1))
    with pytest.raises(ValueError, match="cutoffs"):
        nn.AdaptiveLogSoftmaxWithLoss(6, 10, [6, 3])


def test_inplace_activations_write_to_their_input():
    for layer in (nn.ReLU(True), nn.Hardtanh(-1, 1, True), nn.LeakyReLU(0.5, True)):
        x = flambeau.tensor([-2.0, 3.0])
        assert layer(x) is x
        assert float(x[0]) != -2.0
        assert "inplace=True" in repr(layer)


def test_losses_keep_their_weights_as_buffers():
    weight = flambeau.ones(3)
    loss = nn.CrossEntropyLoss(weight=weight)
    assert "weight" in loss.state_dict()
    assert loss.double().weight.dtype == flambeau.float64
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert nn.MSELoss(size_average=False).reduction == "sum"


def test_skip_init_and_empty():
    layer = nn.utils.skip_init(nn.Linear, 2, 3)
    assert layer.weight.shape == (3, 2)
    assert layer.weight.device.type == "cpu"
