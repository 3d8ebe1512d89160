"""Train a small GPT on a text, character by character, and let it write.

    python examples/gpt.py --steps 1000 --device cpu
    python examples/gpt.py --text my_book.txt --layers 6 --width 384 --steps 5000

Without --text it learns from the documents of this repository. The model is the usual
one: a table of embeddings, blocks of causal self-attention and of a two-layer network,
and a last layer that scores every character as the next one.
"""

import argparse
import math
import time
from pathlib import Path

import flambeau as torch
from flambeau import nn
from flambeau.nn import functional as F
from tqdm import trange

HERE = Path(__file__).resolve().parent.parent


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--text", type=Path, help="a text file (default: our documents)"
    )
    parser.add_argument("--device", default="cpu", help="where to train")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=16, help="sequences in a step")
    parser.add_argument("--context", type=int, default=96, help="characters seen")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--sample", type=int, default=400, help="characters to write")
    parser.add_argument("--prompt", default="\n")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--out", type=Path, default=Path("examples/out/gpt"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


# -- the text
# ----------------------------------------------------------------------------
def read_text(path):
    if path is not None:
        return path.read_text(encoding="utf-8")
    documents = sorted([*HERE.glob("*.md"), *HERE.glob("*/**/*.md")])
    return "\n".join(d.read_text(encoding="utf-8") for d in documents)


class Characters:
    """Turns characters into numbers and back."""

    def __init__(self, text):
        self.all = sorted(set(text))
        self.number = {c: i for i, c in enumerate(self.all)}

    def encode(self, text):
        return torch.tensor([self.number[c] for c in text])

    def decode(self, numbers):
        return "".join(self.all[i] for i in numbers)


def batch_of(data, size, context, device):
    """Random pieces of the text, and the same pieces one character later."""
    starts = torch.randint(0, len(data) - context, (size, 1))
    pieces = data[starts + torch.arange(context + 1)].to(device)
    return pieces[:, :-1], pieces[:, 1:]


# -- the model
# ---------------------------------------------------------------------------
class Attention(nn.Module):
    """Every position looks back at those before it, with several heads."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, 3 * width)  # queries, keys and values at once
        self.answer = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        q, k, v = (
            part.view(shape).transpose(1, 2) for part in self.ask(x).split(width, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.answer(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.network = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.network(x)


class GPT(nn.Module):
    def __init__(self, characters, context, layers, heads, width):
        super().__init__()
        self.context = context
        self.what = nn.Embedding(characters, width)
        self.where = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, characters, bias=False)
        self.apply(self.start)

    @staticmethod
    def start(module):
        """Small weights, so that at first every character is as likely as another."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, numbers):
        places = torch.arange(numbers.shape[1], device=numbers.device)
        x = self.what(numbers) + self.where(places)
        return self.score(self.norm(self.blocks(x)))

    @torch.no_grad()
    def write(self, numbers, count, temperature):
        """Continue the text: draw a character, append it, look again."""
        self.eval()
        for _ in range(count):
            scores = self(numbers[:, -self.context :])[:, -1]
            chances = F.softmax(scores / temperature, dim=-1)
            drawn = torch.multinomial(chances, num_samples=1)
            numbers = torch.cat([numbers, drawn], dim=1)
        return numbers


# -- training
# ----------------------------------------------------------------------------
def rate(step, steps, highest):
    """A short rise, then half a cosine down to a tenth."""
    rise = max(1, steps // 20)
    if step < rise:
        return highest * (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    return highest * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


def loss_of(model, numbers, following):
    return F.cross_entropy(model(numbers).flatten(0, 1), following.flatten())


@torch.no_grad()
def held_out_loss(model, data, args):
    model.eval()
    losses = [
        loss_of(model, *batch_of(data, args.batch, args.context, args.device)).item()
        for _ in range(20)
    ]
    return sum(losses) / len(losses)


def train(model, data, args):
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, betas=(0.9, 0.95), weight_decay=0.1
    )
    model.train()
    steps = trange(args.steps, unit="step")
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = rate(step, args.steps, args.lr)
        numbers, following = batch_of(data, args.batch, args.context, args.device)
        loss = loss_of(model, numbers, following)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            steps.set_description(f"loss {loss.item():.3f}")


def main():
    args = parse()
    torch.manual_seed(args.seed)
    text = read_text(args.text)
    if len(text) < 20 * args.context:
        raise SystemExit(f"expected at least {20 * args.context} characters of text")
    characters = Characters(text)
    data = characters.encode(text)
    # The last tenth is kept, to see what the model makes of text it has not read.
    kept = len(data) // 10
    train_data, test_data = data[:-kept], data[-kept:]

    model = GPT(
        len(characters.all), args.context, args.layers, args.heads, args.width
    ).to(args.device)
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(text):,} characters, {len(characters.all)} different")
    print(f"{count:,} parameters")

    start = time.perf_counter()
    train(model, train_data, args)
    seconds = time.perf_counter() - start
    loss = held_out_loss(model, test_data, args)
    print(f"{args.steps} steps in {seconds:.1f} s; loss on unread text {loss:.3f}")

    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), args.out / "gpt.pt")
    known = [c for c in args.prompt if c in characters.number] or text[0]
    prompt = characters.encode(known)[None].to(args.device)
    written = model.write(prompt, args.sample, args.temperature)
    print("-" * 72)
    print(characters.decode(written[0].tolist()))


if __name__ == "__main__":
    main()
