"""Datasets, samplers, collation and the loader."""

import collections

import flambeau
import pytest
from flambeau.utils import data


def ints(loader):
    return [batch.tolist() for batch in loader]


class Squares(data.Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * i


class Count(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


# -- datasets ------------------------------------------------------------------------
def test_tensor_dataset():
    x, y = flambeau.arange(6).reshape(3, 2), flambeau.arange(3)
    rows = data.TensorDataset(x, y)
    assert len(rows) == 3
    assert rows[1][0].tolist() == [2, 3]
    assert rows[1][1].item() == 1
    with pytest.raises(AssertionError, match="first dimension"):
        data.TensorDataset(x, flambeau.arange(4))


def test_concat_chain_and_stack():
    both = Squares(2) + Squares(3)
    assert [both[i] for i in range(len(both))] == [0, 1, 0, 1, 4]
    assert both[-1] == 4
    assert both.cumulative_sizes == [2, 5]
    with pytest.raises(ValueError, match="index"):
        both[-6]
    with pytest.raises(IndexError):
        both[5]
    with pytest.raises(AssertionError):
        data.ConcatDataset([])
    with pytest.raises(AssertionError, match="IterableDataset"):
        data.ConcatDataset([Count(2)])
    chain = Count(2) + Count(3)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5
    with pytest.raises(AssertionError, match="IterableDataset"):
        list(data.ChainDataset([[1]]))
    pairs = data.StackDataset(Squares(3), [5, 6, 7])
    assert pairs[2] == (4, 7)
    assert pairs.__getitems__([0, 2]) == [(0, 5), (4, 7)]
    named = data.StackDataset(a=Squares(3), b=[5, 6, 7])
    assert named[1] == {"a": 1, "b": 6}
    for args, kwargs in (((), {}), (([1],), {"a": [1]}), (([1], [1, 2]), {})):
        with pytest.raises(ValueError, match="StackDataset"):
            data.StackDataset(*args, **kwargs)


def test_subset_and_random_split():
    subset = data.Subset(Squares(10), [2, 3, 5])
    assert [subset[i] for i in range(3)] == [4, 9, 25]
    assert subset.__getitems__([0, 2]) == [4, 25]
    generator = flambeau.Generator().manual_seed(3)
    parts = data.random_split(range(10), [7, 3], generator)
    again = data.random_split(range(10), [7, 3], flambeau.Generator().manual_seed(3))
    assert [list(p) for p in parts] == [list(p) for p in again]
    assert sorted(i for p in parts for i in p) == list(range(10))
    assert [len(p) for p in data.random_split(range(10), [0.5, 0.25, 0.25])] == [
        6,
        2,
        2,
    ]
    with pytest.raises(ValueError, match="add up to 10"):
        data.random_split(range(10), [5, 4])
    with pytest.warns(UserWarning, match="empty"):
        data.random_split(range(3), [0.0, 1.0])


def test_base_classes_say_what_is_missing():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        data.Dataset()[0]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.IterableDataset())
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.Sampler())


# -- samplers ------------------------------------------------------------------------
def test_random_sampler():
    flambeau.manual_seed(1)
    sampler = data.RandomSampler(range(50))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == list(range(50))
    assert first != second
    flambeau.manual_seed(1)
    assert list(data.RandomSampler(range(50))) == first
    twice = list(data.RandomSampler(range(4), num_samples=10))
    assert sorted(twice[:4]) == sorted(twice[4:8]) == [0, 1, 2, 3]
    assert len(twice) == 10
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=2000))
    assert len(drawn) == 2000
    assert set(drawn) == {0, 1, 2}
    with pytest.raises(ValueError, match="num_samples"):
        data.RandomSampler([])
    with pytest.raises(TypeError, match="replacement"):
        data.RandomSampler([1], replacement=1)


def test_other_samplers():
    assert list(data.SequentialSampler([7, 8, 9])) == [0, 1, 2]
    assert sorted(data.SubsetRandomSampler([4, 6, 8])) == [4, 6, 8]
    weighted = data.WeightedRandomSampler([0.0, 1.0, 0.0], 20)
    assert list(weighted) == [1] * 20
    without = data.WeightedRandomSampler([0.1, 1.0, 0.0], 2, replacement=False)
    assert sorted(without) == [0, 1]
    for weights, n in (([[1.0]], 1), ([1.0], 0), ([1.0], True)):
        with pytest.raises(ValueError, match="WeightedRandomSampler"):
            data.WeightedRandomSampler(weights, n)
    batches = data.BatchSampler(range(5), 2, False)
    assert list(batches) == [[0, 1], [2, 3], [4]]
    assert len(batches) == 3
    batches = data.BatchSampler(range(5), 2, True)
    assert list(batches) == [[0, 1], [2, 3]]
    assert len(batches) == 2
    for size, drop in ((0, False), (True, False), (1, 0)):
        with pytest.raises(ValueError, match="BatchSampler"):
            data.BatchSampler([1], size, drop)


def test_distributed_sampler():
    def shares(**options):
        return [
            list(data.DistributedSampler(range(7), 3, rank, **options))
            for rank in range(3)
        ]

    assert shares(shuffle=False) == [[0, 3, 6], [1, 4, 0], [2, 5, 1]]
    assert shares(shuffle=False, drop_last=True) == [[0, 3], [1, 4], [2, 5]]
    together = [i for share in shares(seed=5) for i in share]
    assert set(together) == set(range(7))
    sampler = data.DistributedSampler(range(70), 2, 0)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(data.DistributedSampler(range(1), 3, 2, shuffle=False)) == [0]
    with pytest.raises(ValueError, match="rank"):
        data.DistributedSampler(range(7), 2, 2)


# -- collation -----------------------------------------------------------------------
def test_collating_numbers_and_containers():
    collate = data.default_collate
    assert collate([1, 2]).dtype == flambeau.int64
    assert collate([1.5, 2]).dtype == flambeau.float64
    assert collate([True, False]).dtype == flambeau.bool
    assert collate(["a", "b"]) == ["a", "b"]
    assert [c.tolist() for c in collate([(1, 2.0), (3, 4.0)])] == [[1, 3], [2.0, 4.0]]
    assert collate([{"a": 1}, {"a": 2}])["a"].tolist() == [1, 2]
    ordered = collate([collections.OrderedDict(a=1), collections.OrderedDict(a=2)])
    assert isinstance(ordered, collections.OrderedDict)
    pair = collections.namedtuple("pair", "x y")
    joined = collate([pair(1, 2), pair(3, 4)])
    assert isinstance(joined, pair)
    assert joined.y.tolist() == [2, 4]
    stacked = collate([flambeau.ones(2), flambeau.zeros(2)])
    assert stacked.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="equal size"):
        collate([(1, 2), (1,)])
    for bad in (None, object(), 1j):
        with pytest.raises(TypeError, match="default_collate: expected"):
            collate([bad])


def test_collating_numpy():
    np = pytest.importorskip("numpy")
    collate = data.default_collate
    rows = np.arange(12, dtype="float32").reshape(3, 4)
    got = collate(list(rows))
    assert got.dtype == flambeau.float32
    assert got.tolist() == rows.tolist()
    images = np.arange(24, dtype="uint8").reshape(2, 3, 4)
    assert collate(list(images)).tolist() == images.tolist()
    assert collate([np.int32(3), np.int32(4)]).dtype == flambeau.int32
    assert collate([np.float64(3), np.float64(4)]).dtype == flambeau.float64
    assert collate([np.array(1.0), np.array(2.0)]).tolist() == [1.0, 2.0]
    assert collate([np.str_("a"), np.str_("b")]) == ["a", "b"]
    batch = collate(list(rows))
    batch.fill_(0)
    assert rows[0, 1] == 1, "a batch never shares memory with the dataset"
    with pytest.raises(RuntimeError, match="one shape"):
        collate([np.ones(2), np.ones(3)])
    with pytest.raises(TypeError, match="default_collate"):
        collate([np.array(["a"])])
    sample = data.default_convert({"a": np.ones(2), "b": (1, np.ones(1)), "c": "s"})
    assert sample["a"].tolist() == [1.0, 1.0]
    assert sample["b"][1].tolist() == [1.0]
    assert sample["c"] == "s"


def test_collate_fn_map_may_be_extended():
    from flambeau.utils.data import collate as module

    class Box:
        def __init__(self, n):
            self.n = n

    functions = {
        **module.default_collate_fn_map,
        Box: lambda batch, *, collate_fn_map: Box([b.n for b in batch]),
    }
    got = module.collate([(Box(1), 1), (Box(2), 2)], collate_fn_map=functions)
    assert got[0].n == [1, 2]
    assert got[1].tolist() == [1, 2]


# -- the loader ----------------------------------------------------------------------
def test_batches_in_order():
    loader = data.DataLoader(Squares(5), batch_size=2)
    assert ints(loader) == [[0, 1], [4, 9], [16]]
    assert ints(loader) == [[0, 1], [4, 9], [16]]
    assert len(loader) == 3
    loader = data.DataLoader(Squares(5), batch_size=2, drop_last=True)
    assert ints(loader) == [[0, 1], [4, 9]]
    assert len(loader) == 2
    assert list(data.DataLoader(Squares(3), batch_size=None)) == [0, 1, 4]


def test_shuffling_follows_its_generator():
    def order(seed):
        generator = flambeau.Generator().manual_seed(seed)
        loader = data.DataLoader(Squares(30), 4, shuffle=True, generator=generator)
        return ints(loader), ints(loader)

    assert order(1) == order(1)
    assert order(1) != order(2)
    first, second = order(1)
    assert first != second
    assert sorted(i for b in first for i in b) == [i * i for i in range(30)]


def test_samplers_and_collate_fn():
    loader = data.DataLoader(Squares(9), batch_size=2, sampler=[3, 1, 2])
    assert ints(loader) == [[9, 1], [4]]
    loader = data.DataLoader(Squares(9), batch_sampler=[[0, 1, 2], [8]])
    assert ints(loader) == [[0, 1, 4], [64]]
    assert loader.batch_size is None
    loader = data.DataLoader(Squares(4), batch_size=2, collate_fn=sum)
    assert list(loader) == [1, 13]


def test_tensor_datasets_are_gathered_with_the_same_result():
    x = flambeau.arange(12.0).reshape(6, 2)
    rows = data.TensorDataset(x, flambeau.arange(6))
    for dataset in (rows, data.Subset(rows, [4, 0, -1])):
        gathered = list(data.DataLoader(dataset, batch_size=4))
        plain = list(
            data.DataLoader(
                dataset, batch_size=4, collate_fn=lambda b: data.default_collate(b)
            )
        )
        assert len(gathered) == len(plain)
        for a, b in zip(gathered, plain, strict=True):
            assert [t.tolist() for t in a] == [t.tolist() for t in b]
            assert [t.dtype for t in a] == [t.dtype for t in b]


def test_getitems_is_used_where_it_is_given():
    class Many(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert ints(data.DataLoader(Many(3), batch_size=2)) == [[0, -1], [-2]]


def test_streams():
    loader = data.DataLoader(Count(5), batch_size=2)
    assert ints(loader) == [[0, 1], [2, 3], [4]]
    assert len(loader) == 3
    loader = data.DataLoader(Count(5), batch_size=2, drop_last=True)
    assert ints(loader) == [[0, 1], [2, 3]]
    assert len(loader) == 2
    assert list(data.DataLoader(Count(3), batch_size=None)) == [0, 1, 2]
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match="IterableDataset"):
            data.DataLoader(Count(3), **options)


def test_workers_are_refused_in_words():
    with pytest.raises(NotImplementedError, match="num_workers=0 to load in this"):
        data.DataLoader([1], num_workers=2)
    assert data.get_worker_info() is None


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"multiprocessing_context": "spawn"},
        {"batch_size": 0},
        {"batch_size": None, "drop_last": True},
        {"sampler": [0], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_sampler": [[0]], "drop_last": True},
    ],
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="expected"):
        data.DataLoader([1, 2], **options)


def test_what_cannot_change_and_what_has_no_meaning():
    loader = data.DataLoader([1, 2])
    with pytest.raises(ValueError, match="batch_size"):
        loader.batch_size = 3
    loader.collate_fn = len
    assert list(loader) == [1, 1]
    with pytest.raises(AssertionError, match="timeout"):
        iter(data.DataLoader([1, 2], timeout=3))
