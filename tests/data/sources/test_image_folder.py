"""Folders of pictures: classes by folder, sizes and channels, and every picture that cannot be used by its name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddtrain.data import ImageFolder, Names
from ddtrain.errors import DataError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of three pictures, of 6 by 8 pixels in one colour, 10 more from one to the next."""
    for k in range(6):
        path = tmp_path / "data" / ("cat" if k < 3 else "dog") / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (10 * k, 20, 30)).save(path)
    return tmp_path / "data"


def test_pictures_of_a_class_are_those_in_its_folder(folder: Path) -> None:
    (folder / "dog" / "more").mkdir()
    (folder / "dog" / "5.png").rename(folder / "dog" / "more" / "a.png")
    (folder / "cat" / ".DS_Store").write_bytes(b"?")
    (folder / ".thumbnails").mkdir()
    data = ImageFolder(folder)
    assert list(data.classes) == ["cat", "dog"]
    assert [path.name for path in data.paths] == ["0.png", "1.png", "2.png", "3.png", "4.png", "a.png"]
    x, y = data.batch(np.arange(6))
    assert (x.shape, x.dtype, y.dtype) == ((6, 6, 8, 3), np.uint8, np.int64)
    np.testing.assert_array_equal(x[:, 3, 4], [[10 * k, 20, 30] for k in range(6)])
    np.testing.assert_array_equal(y, [0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels(folder: Path, channels: int) -> None:
    x, _ = ImageFolder(folder, channels=channels).batch(np.array([0]))
    assert x.shape == (1, 6, 8, channels)
    # ITU-R 601-2, as Pillow has it: 0.299 R + 0.587 G + 0.114 B = 15.2; no transparency is 255
    np.testing.assert_array_equal(x[0, 0, 0], {1: [15], 3: [0, 20, 30], 4: [0, 20, 30, 255]}[channels])


def test_palettes_transparency_and_sixteen_formats_become_the_channels_asked_for(folder: Path) -> None:
    Image.new("RGB", (8, 6), (200, 0, 0)).convert("P").save(folder / "cat" / "0.png")
    Image.new("LA", (8, 6), (7, 9)).save(folder / "cat" / "1.png")
    Image.new("RGB", (8, 6), (0, 0, 250)).save(folder / "cat" / "2.png", format="BMP")
    x, _ = ImageFolder(folder).batch(np.arange(3))
    assert x.shape == (3, 6, 8, 3)
    np.testing.assert_array_equal(x[1, 0, 0], [7, 7, 7])
    np.testing.assert_array_equal(x[2, 0, 0], [0, 0, 250])


def test_pictures_are_scaled_to_cover_and_cut_in_the_middle(folder: Path) -> None:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 10:30] = 100  # what is left of 40 columns in a square
    Image.fromarray(pixels).save(folder / "cat" / "0.png")
    data = ImageFolder(folder, size=(10, 10))
    # without the outermost columns, in which scaling mixes what lies beyond
    np.testing.assert_array_equal(data.batch(np.array([0]))[0][:, :, 1:-1], np.full((1, 10, 8, 3), 100))
    assert data.batch(np.arange(6))[0].shape == (6, 10, 10, 3)
    assert data.fingerprint() != ImageFolder(folder, size=(10, 8)).fingerprint()


def test_pictures_of_other_sizes_are_all_named(folder: Path) -> None:
    for name, size in {"cat/1.png": (9, 6), "dog/4.png": (8, 5)}.items():
        Image.new("RGB", size).save(folder / name)
    with pytest.raises(DataError) as caught:
        ImageFolder(folder)
    assert "2 of 6 pictures cannot be used: cat/1.png (6 by 9, not 6 by 8), dog/4.png (5 by 8, not 6 by 8)" in str(
        caught.value
    )
    assert "give size=(height, width)" in str(caught.value)


def damaged(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(noise).save(folder / "cat" / "0.png", format="JPEG")
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "cat" / "0.png").write_bytes(whole[:-40])  # a JPEG that is cut off: its header is sound
    png = bytearray((folder / "dog" / "4.png").read_bytes())
    png[-20] ^= 255
    (folder / "dog" / "4.png").write_bytes(png)


@pytest.mark.parametrize("cache", [False, True])
def test_unreadable_pictures_are_listed_all_at_once(folder: Path, cache: bool) -> None:
    damaged(folder)
    (folder / "cat" / "notes.txt").write_text("not a picture")
    (folder / "dog" / "empty.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        ImageFolder(folder, cache=cache)
    said = str(caught.value)
    assert f"{folder}: 4 of 8 pictures cannot be used: cat/0.png (" in said
    assert "cat/notes.txt (no picture), dog/4.png (" in said
    assert "dog/empty.png (no picture)" in said


def test_without_the_check_damage_inside_is_said_by_the_batch_that_meets_it(folder: Path) -> None:
    damaged(folder)
    data = ImageFolder(folder, check=False)
    assert data.batch(np.array([1]))[0].shape == (1, 6, 8, 3)
    with pytest.raises(DataError, match=r"cat/0\.png: cannot be read: .+\n.*Mend or remove it"):
        data.batch(np.array([1, 0]))
    (folder / "cat" / "notes.txt").write_text("not a picture")
    with pytest.raises(DataError, match=r"1 of 7 pictures cannot be used: cat/notes\.txt \(no picture\)"):
        ImageFolder(folder, check=False)


def test_twenty_are_listed_and_the_others_counted(folder: Path) -> None:
    for k in range(25):
        (folder / "cat" / f"bad{k:02}.png").write_bytes(b"?")
    with pytest.raises(DataError, match=r"25 of 31 pictures .*bad19\.png \(no picture\) and 5 more"):
        ImageFolder(folder)


def test_pictures_in_memory_need_the_disk_no_more(folder: Path) -> None:
    data = ImageFolder(folder, cache=True)
    expected = ImageFolder(folder).batch(np.arange(6))[0]
    for path in data.paths:
        path.unlink()
    np.testing.assert_array_equal(data.batch(np.arange(6))[0], expected)


def break_by(folder: Path, fault: str) -> None:
    if fault == "stray":
        (folder / "readme.txt").write_text("?")
    elif fault == "empty class":
        (folder / "fish").mkdir()
    elif fault == "flat":
        for path in list(folder.iterdir()):
            path.rename(folder.parent / path.name)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("stray", "expected a folder for each class, found the files readme.txt"),
        ("empty class", "folders without files: fish"),
        ("flat", "expected a folder for each class, found none"),
    ],
)
def test_folders_that_are_no_classes(folder: Path, fault: str, said: str) -> None:
    break_by(folder, fault)
    with pytest.raises(DataError, match=said):
        ImageFolder(folder)


def test_a_folder_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: cannot be read: No such file"):
        ImageFolder(tmp_path / "nowhere")


def test_validation_has_the_classes_of_the_training_data(folder: Path) -> None:
    assert list(ImageFolder(folder, classes=["dog", "ant", "cat"]).labels) == [0, 0, 0, 2, 2, 2]
    with pytest.raises(DataError, match=r"folders of other classes than \['ant', 'dog'\]: cat"):
        ImageFolder(folder, classes=Names(["ant", "dog"]))


@pytest.mark.parametrize("options", [{"channels": 2}, {"size": (0, 4)}, {"size": (4,)}])
def test_options_out_of_range(folder: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="ImageFolder: "):
        ImageFolder(folder, **options)  # type: ignore[arg-type]


def test_without_pillow_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match=r"Pillow is not installed\n  pip install 'ddtrain\[images\]'"):
        ImageFolder(folder)


def test_the_fingerprint_is_the_same_wherever_the_folder_lies(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first = ImageFolder(folder).fingerprint()
    moved: Callable[[Path], Path] = folder.rename
    assert ImageFolder(moved(tmp_path / "elsewhere")).fingerprint() == first
