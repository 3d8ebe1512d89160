"""Train a small convolutional network to read handwritten digits.

    python examples/digits.py --epochs 20 --device cpu

The data are the 1,797 digits of 8 x 8 pixels from the UCI archive that come with
scikit-learn. A quarter of them is kept for testing. At the end stand, in --out:
digits.pt (the trained weights), loss.png (how training went) and misread.png (the test
digits that the network gets wrong).
"""

import argparse
import time
from pathlib import Path

import flambeau as torch
import matplotlib
from flambeau import nn
from flambeau.nn import functional as F
from flambeau.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

matplotlib.use("Agg")  # draw into files, no window needed
from matplotlib import pyplot as plt


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu", help="where to train")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data")
    parser.add_argument("--out", type=Path, default=Path("examples/out/digits"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load_data(seed):
    """Two datasets of (image, digit): one to train with, one to test with."""
    images, digits = load_digits(return_X_y=True)
    # Pixels go from 0 to 16. A network wants small numbers, float32, and images as
    # (channels, height, width).
    images = (images / 16.0).astype("float32").reshape(-1, 1, 8, 8)
    split = train_test_split(
        images, digits, test_size=0.25, stratify=digits, random_state=seed
    )
    train_x, test_x, train_y, test_y = map(torch.from_numpy, split)
    return TensorDataset(train_x, train_y), TensorDataset(test_x, test_y)


class Network(nn.Module):
    """Three convolutions that look for strokes, then two layers that vote."""

    def __init__(self):
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 8 x 8 -> 4 x 4
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 4 x 4 -> 2 x 2
        )
        self.vote = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * 2 * 2, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, x):
        return self.vote(self.look(x))


def shifted(images):
    """The batch moved by up to one pixel, a cheap way to have more examples."""
    padded = F.pad(images, (1, 1, 1, 1))
    down, right = torch.randint(0, 3, (2,)).tolist()
    return padded[:, :, down : down + 8, right : right + 8]


def train(model, dataset, device, epochs):
    """Train the model; returns the loss of every step."""
    loader = DataLoader(dataset, batch_size=64, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    # The rate rises at first and then falls to almost nothing.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.005, total_steps=epochs * len(loader)
    )
    losses = []
    model.train()
    with tqdm(total=epochs * len(loader), unit="step") as bar:
        for epoch in range(1, epochs + 1):
            for images, digits in loader:
                images, digits = shifted(images.to(device)), digits.to(device)
                # Not to be too sure of any digit reads new ones better.
                loss = F.cross_entropy(model(images), digits, label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                bar.update()
            bar.set_description(f"epoch {epoch}/{epochs}, loss {losses[-1]:.4f}")
    return losses


@torch.no_grad()
def read(model, dataset, device):
    """What the model takes every image of the dataset for."""
    model.eval()
    loader = DataLoader(dataset, batch_size=256)
    guesses = [model(images.to(device)).argmax(dim=1).cpu() for images, _ in loader]
    return torch.cat(guesses)


def draw_losses(losses, path):
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.semilogy(losses, linewidth=0.8)
    axes.set(xlabel="step", ylabel="cross-entropy", title="Training loss")
    figure.savefig(path, bbox_inches="tight", dpi=120)
    plt.close(figure)


def draw_misread(dataset, guesses, path):
    images, digits = dataset.tensors
    wrong = (guesses != digits).nonzero().flatten().tolist()
    columns = max(len(wrong), 1)
    figure, grid = plt.subplots(1, columns, figsize=(1.3 * columns + 1, 2.2))
    grid = grid if columns > 1 else [grid]
    for axes in grid:
        axes.axis("off")
    for axes, i in zip(grid, wrong, strict=False):
        axes.imshow(images[i, 0].numpy(), cmap="gray_r")
        axes.set_title(f"{digits[i].item()}, read {guesses[i].item()}", fontsize=8)
    figure.suptitle(f"{len(wrong)} of {len(digits)} test digits misread")
    figure.savefig(path, bbox_inches="tight", dpi=120)
    plt.close(figure)


def main():
    args = parse()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    train_set, test_set = load_data(args.seed)
    model = Network().to(args.device)
    count = sum(p.numel() for p in model.parameters())
    print(f"{count:,} parameters, {len(train_set)} digits to train with")

    start = time.perf_counter()
    losses = train(model, train_set, args.device, args.epochs)
    seconds = time.perf_counter() - start

    guesses = read(model, test_set, args.device)
    digits = test_set.tensors[1]
    accuracy = (guesses == digits).float().mean().item()
    print(f"test accuracy {accuracy:.2%} after {seconds:.1f} s of training")

    torch.save(model.state_dict(), args.out / "digits.pt")
    draw_losses(losses, args.out / "loss.png")
    draw_misread(test_set, guesses, args.out / "misread.png")
    print(f"weights and pictures are in {args.out}")


if __name__ == "__main__":
    main()
