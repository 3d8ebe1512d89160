"""What is timed: (name, set-up, statement), with the module under test as `torch`."""

from __future__ import annotations

Case = tuple[str, str, str]

_SMALL = "a = torch.randn(8); b = torch.randn(8)"
_SQUARE = "a = torch.randn(8, 8)"
_MLP = (
    "F = torch.nn.functional\n"
    "m = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), "
    "torch.nn.Linear(32, 10))\n"
    "x = torch.randn(8, 32); y = torch.arange(8)\n"
)
_PARAMS = (
    "ps = [torch.nn.Parameter(torch.randn(8)) for _ in range(50)]\n"
    "for p in ps: p.grad = torch.randn(8)\n"
)

CALLS: list[Case] = [
    ("a+b (8)", _SMALL, "a + b"),
    ("a+1.0 (8)", _SMALL, "a + 1.0"),
    ("a.add_(b) (8)", _SMALL, "a.add_(b)"),
    ("exp (8)", _SMALL, "torch.exp(a)"),
    ("sum (8)", _SMALL, "a.sum()"),
    ("a[0]", _SQUARE, "a[0]"),
    ("a[1:3]", _SQUARE, "a[1:3]"),
    ("view", _SQUARE, "a.view(-1)"),
    ("t", _SQUARE, "a.t()"),
    ("a@b (4x4)", "a = torch.randn(4, 4)", "a @ a"),
    ("cat 2x(8)", _SMALL, "torch.cat((a, b))"),
    ("softmax (8,8)", _SQUARE, "torch.softmax(a, 1)"),
    ("tensor(list of 1000)", "x = [float(i) for i in range(1000)]", "torch.tensor(x)"),
    ("Linear(32,32)", _MLP, "m[0](x)"),
    ("MLP forward", _MLP, "m(x)"),
    ("ReLU module (8,32)", _MLP, "m[1](x)"),
    ("module.weight", _MLP + "l = m[0]", "l.weight"),
    ("module call alone", "m = torch.nn.Identity()", "m(1)"),
    (
        "MLP forward+backward",
        _MLP,
        "m.zero_grad(); F.cross_entropy(m(x), y).backward()",
    ),
    (
        "Adam.step 50 params",
        _PARAMS + "o = torch.optim.Adam(ps, lr=1e-3)",
        "o.step()",
    ),
    (
        "SGD.step 50 params",
        _PARAMS + "o = torch.optim.SGD(ps, lr=1e-3, momentum=0.9)",
        "o.step()",
    ),
]

_MILLION = (
    "a = torch.randn(1000000); b = torch.randn(1000000); m = a > 0; p = a.abs() + 0.1"
)
_TABLE = "a = torch.randn(4096, 1024); r = torch.randn(1024)"
_LAYER = (
    "F = torch.nn.functional; x = torch.randn(4096, 768, requires_grad=True)\n"
    "w = torch.ones(768, requires_grad=True)\n"
    "b = torch.zeros(768, requires_grad=True)\n"
    "g = torch.randn(4096, 768)"
)
_IMAGE = (
    "F = torch.nn.functional; x = torch.randn(32, 64, 32, 32, requires_grad=True)\n"
    "d = x.detach(); w = torch.randn(64, 64, 3, 3, requires_grad=True)\n"
    "g = torch.randn(32, 64, 32, 32)"
)
_HEADS = (
    "F = torch.nn.functional\n"
    "q, k, v = (torch.randn(4, 12, 512, 64, requires_grad=True) for _ in range(3))\n"
    "g = torch.randn(4, 12, 512, 64)"
)

OPS: list[Case] = [
    ("a+b 1e7", "a = torch.randn(10000000); b = torch.randn(10000000)", "a + b"),
    ("exp 1e6", _MILLION, "torch.exp(a)"),
    ("tanh 1e6", _MILLION, "torch.tanh(a)"),
    ("log 1e6", _MILLION, "torch.log(p)"),
    ("where 1e6", _MILLION, "torch.where(m, a, b)"),
    ("sum 1e6", _MILLION, "a.sum()"),
    ("argmax 1e6", _MILLION, "a.argmax()"),
    ("cumsum 1e6", _MILLION, "a.cumsum(0)"),
    ("randn 1e6", "", "torch.randn(1000000)"),
    ("sort 1e6", _MILLION, "torch.sort(a)"),
    ("nonzero 1e6", _MILLION, "torch.nonzero(m)"),
    ("softmax (4096,1024)", _TABLE, "torch.softmax(a, 1)"),
    ("sum dim 0 (4096,1024)", _TABLE, "a.sum(0)"),
    ("a+row (4096,1024)", _TABLE, "a + r"),
    ("transposed copy", _TABLE, "a.t().contiguous()"),
    (
        "layer_norm forward+backward",
        _LAYER,
        "x.grad = None; F.layer_norm(x, (768,), w, b).backward(g)",
    ),
    (
        "cross_entropy forward+backward (1024,50257)",
        "F = torch.nn.functional; x = torch.randn(1024, 50257, requires_grad=True)\n"
        "y = torch.randint(0, 50257, (1024,))",
        "x.grad = None; F.cross_entropy(x, y).backward()",
    ),
    (
        "matmul 1024",
        "a = torch.randn(1024, 1024); o = torch.empty(1024, 1024)",
        "torch.mm(a, a, out=o)",
    ),
    ("matmul 64", "a = torch.randn(64, 64)", "a @ a"),
    ("conv 3x3 forward", _IMAGE, "F.conv2d(d, w.detach(), None, 1, 1)"),
    (
        "conv 3x3 forward+backward",
        _IMAGE,
        "x.grad = w.grad = None; F.conv2d(x, w, None, 1, 1).backward(g)",
    ),
    ("max_pool2d", _IMAGE, "F.max_pool2d(d, 2)"),
    (
        "attention, causal, forward+backward",
        _HEADS,
        "q.grad = k.grad = v.grad = None; "
        "F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(g)",
    ),
    (
        "Adam step 1e7",
        "p = torch.nn.Parameter(torch.randn(10000000))\n"
        "p.grad = torch.randn(10000000)\n"
        "o = torch.optim.Adam([p])",
        "o.step()",
    ),
]

_ROWS = (
    "import numpy as np; D = torch.utils.data\n"
    "class Rows(D.Dataset):\n"
    "    def __init__(s):\n"
    "        s.x = np.random.rand(20000, 784).astype('f')\n"
    "        s.y = np.random.randint(0, 10, 20000)\n"
    "    def __len__(s): return 20000\n"
    "    def __getitem__(s, i): return s.x[i], s.y[i]\n"
    "rows = Rows()\n"
)
OPS += [
    (
        "DataLoader, 20000 numpy rows",
        _ROWS + "loader = D.DataLoader(rows, batch_size=64, shuffle=True)",
        "for x, y in loader: pass",
    ),
    (
        "DataLoader, 20000 tensor rows",
        _ROWS + "rows = D.TensorDataset(torch.from_numpy(rows.x), "
        "torch.from_numpy(rows.y))\n"
        "loader = D.DataLoader(rows, batch_size=64, shuffle=True)",
        "for x, y in loader: pass",
    ),
    (
        "Adam step 10 x 1e6",
        "ps = [torch.nn.Parameter(torch.randn(1000000)) for _ in range(10)]\n"
        "for p in ps: p.grad = torch.randn(1000000)\n"
        "o = torch.optim.Adam(ps)",
        "o.step()",
    ),
]

_STEP = "o.zero_grad(); loss(m).backward(); o.step()"
STEPS: list[Case] = [
    (
        "MLP 784-256-128-10, batch 64, Adam",
        "nn, F = torch.nn, torch.nn.functional\n"
        "m = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), "
        "nn.ReLU(), nn.Linear(128, 10))\n"
        "x, y = torch.randn(64, 784), torch.randint(0, 10, (64,))\n"
        "o = torch.optim.Adam(m.parameters())\n"
        "loss = lambda m: F.cross_entropy(m(x), y)",
        _STEP,
    ),
    (
        "CNN 1-32-64, batch 64, SGD",
        "nn, F = torch.nn, torch.nn.functional\n"
        "m = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), "
        "nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9216, 10))\n"
        "x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))\n"
        "o = torch.optim.SGD(m.parameters(), lr=0.01, momentum=0.9)\n"
        "loss = lambda m: F.cross_entropy(m(x), y)",
        _STEP,
    ),
    (
        "LSTM 128-256, batch 32, 64 steps, Adam",
        "nn, F = torch.nn, torch.nn.functional\n"
        "m = nn.LSTM(128, 256, batch_first=True)\n"
        "x = torch.randn(32, 64, 128)\n"
        "o = torch.optim.Adam(m.parameters())\n"
        "loss = lambda m: m(x)[0].square().mean()",
        _STEP,
    ),
    (
        "Transformer layer 384, 6 heads, (4,256), AdamW",
        "nn, F = torch.nn, torch.nn.functional\n"
        "m = nn.TransformerEncoderLayer(384, 6, 1536, 0.0, batch_first=True)\n"
        "x = torch.randn(4, 256, 384)\n"
        "o = torch.optim.AdamW(m.parameters())\n"
        "loss = lambda m: m(x).square().mean()",
        _STEP,
    ),
]

GROUPS: dict[str, list[Case]] = {"calls": CALLS, "ops": OPS, "steps": STEPS}
