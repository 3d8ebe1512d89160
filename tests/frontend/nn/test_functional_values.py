"""Functions of the layers against values worked out by hand."""

import math

import flambeau
import flambeau.nn.functional as F
import pytest


def t(values, **kwargs):
    return flambeau.tensor(values, dtype=flambeau.float64, **kwargs)


def close(got, want, tol=1e-9):
    want = want if isinstance(want, flambeau.Tensor) else t(want)
    assert got.shape == want.shape
    assert flambeau.allclose(got, want, rtol=tol, atol=tol), (got, want)


def grad_of(function, *values):
    leaves = [t(v, requires_grad=True) for v in values]
    return flambeau.autograd.grad(function(*leaves).sum(), leaves)


def test_shrinks_and_thresholds():
    x = [-2.0, -0.5, 0.0, 0.5, 2.0]
    close(F.hardshrink(t(x)), [-2, 0, 0, 0, 2])
    close(F.softshrink(t(x)), [-1.5, 0, 0, 0, 1.5])
    close(F.threshold(t(x), 0.2, 9.0), [9, 9, 9, 0.5, 2])
    close(F.softsign(t(x)), [-2 / 3, -1 / 3, 0, 1 / 3, 2 / 3])
    close(F.tanhshrink(t([1.0])), [1 - math.tanh(1)])
    (g,) = grad_of(F.softshrink, x)
    close(g, [1, 0, 0, 0, 1])
    with pytest.raises(RuntimeError, match="greater or equal to 0"):
        F.softshrink(t(x), -1)


def test_glu():
    close(F.glu(t([[1.0, 2.0, 0.0, math.log(3)]])), [[0.5, 1.5]])
    with pytest.raises(RuntimeError, match="must be even"):
        F.glu(t([1.0, 2.0, 3.0]))


def test_gelu_and_logsigmoid_into_out():
    x = t([-1.0, 0.0, 2.0])
    for function in (F.gelu, F.logsigmoid):
        out = flambeau.empty(0, dtype=flambeau.float64)
        assert function(x, out=out) is out
        close(out, function(x))


def test_prelu_of_a_matrix_of_weights():
    with pytest.raises(RuntimeError, match="scalar or 1D tensor"):
        F.prelu(t([[1.0, 2.0]]), t([[0.1, 0.2]]))


def test_convolution_larger_than_the_caches():
    """Such a result is written another way; of one image at a time it is not."""
    generator = flambeau.Generator().manual_seed(0)
    x = flambeau.randn(3, 2, 224, 224, generator=generator)
    w = flambeau.randn(64, 2, 7, 7, generator=generator)
    b = flambeau.randn(64, generator=generator)
    got = F.conv2d(x, w, b, stride=2, padding=3)
    assert got.numel() * 4 > 8 << 20
    for k in range(3):
        one = F.conv2d(x[k : k + 1], w, stride=2, padding=3) + b.reshape(-1, 1, 1)
        assert flambeau.allclose(got[k : k + 1], one, rtol=1e-5, atol=1e-4)


def test_bias_of_another_dtype():
    double = flambeau.ones(1, dtype=flambeau.float64)
    for dtype in (flambeau.float32, flambeau.int64, flambeau.complex64):
        x = flambeau.ones(1, 1, 4, dtype=dtype)
        w = flambeau.ones(1, 1, 2, dtype=dtype)
        for function in (F.conv1d, F.conv_transpose1d):
            with pytest.raises(RuntimeError, match="bias type .* should be the same"):
                function(x, w, double)
    x = flambeau.arange(4).reshape(1, 1, 4)
    got = F.conv1d(x, flambeau.ones(1, 1, 2, dtype=x.dtype), flambeau.tensor([5]))
    assert got.tolist() == [[[6, 8, 10]]]


def test_weights_of_classes_of_another_dtype():
    x, target = t([[0.1, 0.9]]), flambeau.tensor([1])
    for loss in (F.nll_loss, F.cross_entropy):
        with pytest.raises(RuntimeError, match="expected scalar type Double"):
            loss(x, target, flambeau.ones(2))


def test_average_pools_of_integers():
    x = flambeau.tensor([[-5, -2, 0, 3, 8]])
    assert F.avg_pool1d(x, 2, 1).tolist() == [[-3, -1, 1, 5]]  # -3.5, -1, 1.5, 5.5
    inside = F.avg_pool1d(x, 3, 2, padding=1, count_include_pad=False)
    assert inside.tolist() == [[-3, 0, 5]]
    assert F.avg_pool1d(x, 3, 2, padding=1).tolist() == [[-2, 0, 3]]
    plane = flambeau.arange(16).reshape(1, 4, 4)
    assert F.avg_pool2d(plane, 2, divisor_override=3).tolist() == [[[3, 6], [14, 16]]]
    with pytest.raises(NotImplementedError, match="avg_pool2d"):
        F.avg_pool2d(plane.to(flambeau.int32), 2)
    with pytest.raises(NotImplementedError, match="adaptive_avg_pool2d"):
        F.adaptive_avg_pool2d(plane, 2)


def test_interpolate_of_bytes():
    x = flambeau.tensor([[[[0, 10], [100, 255]]]], dtype=flambeau.uint8)
    up = F.interpolate(x, (2, 4), mode="bilinear")
    assert up.dtype is flambeau.uint8
    assert up.is_contiguous()
    # Weights 1, 3/4 and 1/4, 1/4 and 3/4, 1: halves are rounded up.
    assert up.tolist() == [[[[0, 3, 8, 10], [100, 139, 216, 255]]]]
    cubic = F.interpolate(x, (2, 4), mode="bicubic")
    assert cubic.tolist() == [
        [[[0, 2, 8, 11], [84, 135, 220, 255]]]
    ]  # as PyTorch has it
    down = F.interpolate(x, (1, 1), mode="bilinear", antialias=True)
    assert down.tolist() == [[[[92]]]]  # (0 + 10)/2 = 5, (100 + 255)/2 -> 178
    with pytest.raises(NotImplementedError, match="upsample_bilinear2d"):
        F.interpolate(x.to(flambeau.int64), (2, 4), mode="bilinear")


def test_rrelu():
    x = t([-1.0, 1.0])
    close(F.rrelu(x, 0.2, 0.4), [-0.3, 1])
    y = F.rrelu(x, 0.2, 0.4, training=True)
    assert -0.4 <= float(y[0]) <= -0.2
    assert float(y[1]) == 1


def test_gumbel_softmax():
    flambeau.manual_seed(0)
    logits = t([[1.0, 2.0, 3.0]] * 4, requires_grad=True)
    y = F.gumbel_softmax(logits, hard=True)
    close(y.detach().sum(-1), [1.0] * 4)
    assert ((y.detach() - y.detach().round()).abs() < 1e-9).all()
    flambeau.autograd.grad(y[:, 0].sum(), logits)[0].abs().sum().item()


def test_one_hot():
    assert F.one_hot(flambeau.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(flambeau.tensor([1]), 2).tolist() == [[0, 1]]
    with pytest.raises(RuntimeError, match="smaller than num_classes"):
        F.one_hot(flambeau.tensor([3]), 2)
    with pytest.raises(RuntimeError, match="non-negative"):
        F.one_hot(flambeau.tensor([-1]), 2)
    with pytest.raises(RuntimeError, match="LongTensor"):
        F.one_hot(t([1.0]))


def test_elementwise_losses():
    x, y = t([1.0, 4.0]), t([2.0, 1.0])
    close(F.l1_loss(x, y, reduction="none"), [1, 3])
    close(F.mse_loss(x, y), 5.0)
    close(F.mse_loss(x, y, reduction="sum"), 10.0)
    close(F.smooth_l1_loss(x, y, reduction="none"), [0.5, 2.5])
    close(F.smooth_l1_loss(x, y, reduction="none", beta=0.0), [1, 3])
    close(F.huber_loss(x, y, reduction="none", delta=2.0), [0.5, 4])
    close(F.mse_loss(x, y, weight=t([1.0, 3.0])), 7.0)
    close(F.soft_margin_loss(t([0.0]), t([1.0])), math.log(2))
    with pytest.raises(ValueError, match="valid value for reduction"):
        F.l1_loss(x, y, reduction="median")
    with pytest.warns(UserWarning, match="reduction='sum'"):
        close(F.l1_loss(x, y, size_average=False), 4.0)


def test_smooth_l1_gradients():
    (g, _) = grad_of(
        lambda a, b: F.smooth_l1_loss(a, b, reduction="sum", beta=2.0),
        [0.0, 1.0, 5.0, -5.0],
        [0.0] * 4,
    )
    close(g, [0, 0.5, 1, -1])


def test_binary_cross_entropy():
    p, y = t([0.25, 0.5]), t([1.0, 0.0])
    close(F.binary_cross_entropy(p, y, reduction="none"), [math.log(4), math.log(2)])
    x = (p / (1 - p)).log()
    close(
        F.binary_cross_entropy_with_logits(x, y, reduction="none"),
        [math.log(4), math.log(2)],
    )
    close(
        F.binary_cross_entropy_with_logits(x, y, pos_weight=t([3.0]), reduction="none"),
        [3 * math.log(4), math.log(2)],
    )
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(t([1.5]), t([1.0]))
    with pytest.raises(ValueError, match="size"):
        F.binary_cross_entropy(t([0.5]), t([1.0, 1.0]))


def test_binary_cross_entropy_is_finite_at_the_ends():
    close(F.binary_cross_entropy(t([0.0]), t([1.0])), 100.0)
    (g, _) = grad_of(F.binary_cross_entropy, [0.0, 1.0], [0.0, 1.0])
    close(g, [0.0, 0.0])
    huge = F.binary_cross_entropy_with_logits(t([1000.0]), t([0.0]))
    close(huge, 1000.0)


def test_divergences():
    p, q = t([0.5, 0.5]), t([0.25, 0.75])
    want = 0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)
    close(F.kl_div(q.log(), p, reduction="sum"), want)
    close(F.kl_div(q.log(), p.log(), reduction="sum", log_target=True), want)
    close(F.kl_div(q.log(), t([1.0, 0.0]), reduction="batchmean"), math.log(4) / 2)
    close(F.poisson_nll_loss(t([0.0]), t([2.0])), 1.0)
    close(F.gaussian_nll_loss(t([1.0]), t([3.0]), t([4.0])), 0.5 * (math.log(4) + 1))
    with pytest.raises(ValueError, match="negative"):
        F.gaussian_nll_loss(t([1.0]), t([3.0]), t([-4.0]))


def test_margin_losses():
    x = t([[0.1, 0.2, 0.4, 0.8]])
    close(F.multi_margin_loss(x, flambeau.tensor([3])), (0.3 + 0.4 + 0.6) / 4)
    close(
        F.multilabel_margin_loss(x, flambeau.tensor([[3, 0, -1, 1]])),
        (0.4 + 0.6 + 1.1 + 1.3) / 4,
    )
    close(F.margin_ranking_loss(t([1.0]), t([2.0]), t([1.0]), margin=0.5), 1.5)
    close(F.hinge_embedding_loss(t([0.3, 0.3]), t([1.0, -1.0])), (0.3 + 0.7) / 2)
    close(F.triplet_margin_loss(t([[0.0]]), t([[3.0]]), t([[1.0]]), eps=0.0), 3.0)
    close(
        F.cosine_embedding_loss(
            t([[1.0, 0.0]] * 2), t([[1.0, 1.0]] * 2), t([1.0, -1.0]), reduction="none"
        ),
        [1 - 0.5**0.5, 0.5**0.5],
        1e-6,
    )


def test_cross_entropy_forms():
    x = t([[0.0, math.log(3)]])
    close(F.cross_entropy(x, flambeau.tensor([1])), -math.log(0.75))
    close(F.cross_entropy(x, t([[0.5, 0.5]])), -0.5 * math.log(0.25 * 0.75))
    close(F.cross_entropy(x[0], flambeau.tensor(0)), math.log(4))
    close(
        F.cross_entropy(x, flambeau.tensor([1]), label_smoothing=1.0),
        -0.5 * math.log(0.25 * 0.75),
    )
    close(
        F.cross_entropy(x, t([[0.0, 1.0]]), label_smoothing=1.0),
        -0.5 * math.log(0.25 * 0.75),
    )
    close(F.nll_loss(x.log_softmax(1), flambeau.tensor([0])), math.log(4))


def test_ctc_by_enumeration():
    """Two steps, labels {blank, a}: the target "a" has the paths aa, a-, -a."""
    probs = t([[[0.3, 0.7]], [[0.6, 0.4]]])
    want = -math.log(0.7 * 0.4 + 0.7 * 0.6 + 0.3 * 0.4)
    args = (flambeau.tensor([[1]]), [2], [1])
    close(F.ctc_loss(probs.log(), *args, reduction="none"), [want])
    close(F.ctc_loss(probs.log()[:, 0], flambeau.tensor([1]), [2], [1]), want)
    # "aa" needs a blank between: three steps at least.
    lost = F.ctc_loss(probs.log(), flambeau.tensor([[1, 1]]), [2], [2])
    assert float(lost) == math.inf
    kept = F.ctc_loss(
        probs.log(), flambeau.tensor([[1, 1]]), [2], [2], zero_infinity=True
    )
    assert float(kept) == 0
    with pytest.raises(RuntimeError, match="blank"):
        F.ctc_loss(probs.log(), *args, blank=5)


def test_pads():
    x = t([[[1.0, 2.0, 3.0]]])
    close(F.pad(x, (2, 1), "reflect"), [[[3, 2, 1, 2, 3, 2]]])
    close(F.pad(x, (2, 1), "replicate"), [[[1, 1, 1, 2, 3, 3]]])
    close(F.pad(x, (2, 1), "circular"), [[[2, 3, 1, 2, 3, 1]]])
    close(F.pad(x, (-1, 1), value=5.0), [[[2, 3, 5]]])
    close(F.pad(x, (1, -1), "circular"), [[[2, 1, 2]]])
    with pytest.raises(RuntimeError, match="at most"):
        F.pad(x, (3, 0), "reflect")
    with pytest.raises(RuntimeError, match="divisible by 2"):
        F.pad(x, (1,))
    with pytest.raises(NotImplementedError):
        F.pad(x, (1, 1), "mirror")
    with pytest.raises(NotImplementedError):
        F.pad(x, (1, 1, 1, 1, 1, 1), "reflect")


def test_shuffles():
    x = flambeau.arange(8.0).reshape(1, 4, 1, 2)
    assert F.pixel_shuffle(x, 2).tolist() == [[[[0, 2, 1, 3], [4, 6, 5, 7]]]]
    assert flambeau.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)
    assert F.channel_shuffle(x, 2)[0, :, 0, 0].tolist() == [0, 4, 2, 6]
    with pytest.raises(RuntimeError, match="divisible"):
        F.pixel_shuffle(x, 3)


def test_distances():
    close(F.normalize(t([[3.0, 4.0]])), [[0.6, 0.8]])
    close(F.cosine_similarity(t([[1.0, 0.0]]), t([[1.0, 1.0]])), [0.5**0.5])
    close(F.pairwise_distance(t([[0.0, 0.0]]), t([[3.0, 4.0]]), eps=0.0), [5.0])
    close(F.pdist(t([[0.0], [1.0], [3.0]])), [1, 3, 2])


def test_embedding_bag():
    w = t([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    index, offsets = flambeau.tensor([0, 2, 1]), flambeau.tensor([0, 2, 2])
    close(F.embedding_bag(index, w, offsets, mode="sum"), [[6, 8], [0, 0], [3, 4]])
    close(F.embedding_bag(index, w, offsets), [[3, 4], [0, 0], [3, 4]])
    close(F.embedding_bag(index, w, offsets, mode="max"), [[5, 6], [0, 0], [3, 4]])
    close(
        F.embedding_bag(
            flambeau.tensor([[0, 2]]),
            w,
            mode="sum",
            per_sample_weights=t([[2.0, 1.0]]),
        ),
        [[7, 10]],
    )
    close(F.embedding_bag(flambeau.tensor([[0, 2]]), w, padding_idx=0), [[5, 6]])
    with pytest.raises(ValueError, match="2D"):
        F.embedding_bag(flambeau.tensor([[0]]), w, offsets)
    with pytest.raises(ValueError, match="mode"):
        F.embedding_bag(index, w, offsets, mode="median")


def test_embedding_max_norm_changes_the_rows_used():
    w = t([[3.0, 4.0], [6.0, 8.0], [0.3, 0.4]])
    got = F.embedding(flambeau.tensor([0, 2]), w, max_norm=1.0)
    close(got, [[0.6, 0.8], [0.3, 0.4]], 1e-6)
    close(w[1], [6, 8])


def test_local_response_norm():
    x = t([[[1.0], [2.0], [3.0]]])
    k = [(1 + 4) / 3, (1 + 4 + 9) / 3, (4 + 9) / 3]
    want = [[[v / (1 + m)] for v, m in zip((1, 2, 3), k, strict=True)]]
    close(F.local_response_norm(x, 3, alpha=1.0, beta=1.0), want)


def test_bilinear():
    w = t([[[1.0, 2.0], [3.0, 4.0]]])
    close(F.bilinear(t([[1.0, 1.0]]), t([[1.0, 10.0]]), w, t([0.5])), [[64.5]])


def test_unpool_puts_maxima_back():
    x = t([[[[1.0, 2.0], [4.0, 3.0]]]])
    best, at = F.max_pool2d(x, 2, return_indices=True)
    close(F.max_unpool2d(best, at, 2), [[[[0, 0], [4, 0]]]])
    with pytest.raises(ValueError, match="output_size"):
        F.max_unpool2d(best, at, 2, output_size=(9, 9))


def test_fractional_pool_covers_the_ends():
    x = flambeau.arange(25.0).reshape(1, 1, 5, 5)
    y, at = F.fractional_max_pool2d(x, 2, output_size=3, return_indices=True)
    assert y.shape == (1, 1, 3, 3)
    assert float(y[0, 0, 0, 0]) == 6
    assert float(y[0, 0, -1, -1]) == 24
    assert flambeau.equal(x.flatten()[at.flatten()], y.flatten())


def test_interpolate():
    x = t([[[[1.0, 2.0], [3.0, 4.0]]]])
    close(F.interpolate(x, scale_factor=2)[0, 0, 0], [1, 1, 2, 2])
    close(F.interpolate(x, size=(1, 1), mode="area"), [[[[2.5]]]])
    close(
        F.interpolate(x, size=(3, 3), mode="bilinear", align_corners=True)[0, 0],
        [[1, 1.5, 2], [2, 2.5, 3], [3, 3.5, 4]],
    )
    line = t([[[0.0, 1.0, 2.0]]])
    close(F.interpolate(line, size=2, mode="nearest-exact"), [[[0, 2]]])
    shrunk = F.interpolate(x, size=(1, 1), mode="bilinear", antialias=True)
    close(shrunk, [[[[2.5]]]])
    with pytest.raises(ValueError, match="only one of"):
        F.interpolate(x, size=2, scale_factor=2)
    with pytest.raises(ValueError, match="align_corners"):
        F.interpolate(x, size=2, align_corners=True)


def test_grid_sample_of_the_identity_is_the_image():
    x = flambeau.arange(12.0, dtype=flambeau.float64).reshape(1, 1, 3, 4)
    theta = t([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    for align in (False, True):
        grid = F.affine_grid(theta, (1, 1, 3, 4), align_corners=align)
        for mode in ("bilinear", "nearest", "bicubic"):
            close(F.grid_sample(x, grid, mode, align_corners=align), x, 1e-8)


def test_grid_sample_paddings():
    x = t([[[[1.0, 2.0, 3.0]]]])
    grid = t([[[[2.0, 0.0]]]])
    close(F.grid_sample(x, grid, align_corners=True), [[[[0.0]]]])
    close(
        F.grid_sample(x, grid, padding_mode="border", align_corners=True), [[[[3.0]]]]
    )
    close(
        F.grid_sample(x, grid, padding_mode="reflection", align_corners=True),
        [[[[2.0]]]],
    )
    with pytest.raises(ValueError, match="padding_mode"):
        F.grid_sample(x, grid, padding_mode="wrap")


def test_channel_dropout_takes_whole_channels():
    flambeau.manual_seed(0)
    y = F.dropout2d(flambeau.ones(8, 16, 3, 3), 0.5)
    sums = y.sum((2, 3))
    assert set(sums.unique().tolist()) == {0.0, 18.0}
    y = F.dropout1d(flambeau.ones(50, 4), 0.5)
    assert set(y.sum(1).unique().tolist()) == {0.0, 8.0}


def test_alpha_dropout_keeps_mean_and_variance():
    flambeau.manual_seed(0)
    x = flambeau.randn(100_000)
    y = F.alpha_dropout(x, 0.3, training=True)
    assert abs(float(y.mean())) < 0.03
    assert abs(float(y.var()) - 1) < 0.05
    assert F.alpha_dropout(x, 0.3) is x
    with pytest.raises(ValueError, match="between 0 and 1"):
        F.alpha_dropout(x, 1.5)


def test_normalizations_by_instance():
    x = flambeau.randn(2, 3, 5, dtype=flambeau.float64)
    mean, var = t([0.0] * 3), t([1.0] * 3)
    y = F.instance_norm(x, mean, var)
    close(y.mean(-1), t([[0.0] * 3] * 2), 1e-7)
    close(mean, x.mean(-1).mean(0) * 0.1, 1e-7)
    close(var, 0.9 + 0.1 * x.var(-1).mean(0), 1e-7)
    with pytest.raises(ValueError, match="more than 1 spatial"):
        F.instance_norm(flambeau.ones(1, 2, 1))
    with pytest.raises(ValueError, match="more than 1 value"):
        F.batch_norm(flambeau.ones(1, 2), None, None, training=True)
