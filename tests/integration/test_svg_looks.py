# SPDX-License-Identifier: MIT
"""The picture as a browser shows it: rendered by Chromium, and looked at pixel by pixel."""

import os
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree
import zlib

import picture
import year
from statedir import SECOND, CtlCase, stamp

SVG = "{http://www.w3.org/2000/svg}"
BROWSER = "chromium"
SHADES = {"suspend": "suspended", "host-shutdown": "down", "host-down": "down", "unknown": "unknown"}  # else: silent


def unfilter(kind, line, before, size):
    """Undoes what a line of a PNG was packed with (ISO/IEC 15948, 9.2)."""
    for i, byte in enumerate(line):
        left, up, corner = (line[i - size] if i >= size else 0), before[i], (before[i - size] if i >= size else 0)
        if kind == 4:
            nearest = left + up - corner
            left = min((left, up, corner), key=lambda value: abs(nearest - value))
        line[i] = byte + (0, left, up, (left + up) // 2, left)[kind] & 0xFF
    return line


class Png:
    """An image of eight bits a channel, without interlacing: what a screenshot is."""

    def __init__(self, data):
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        packed, at = b"", 8
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
                assert (depth, interlaced) == (8, 0) and colour in (2, 6)
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        self.size = 3 if colour == 2 else 4
        raw, step, before, self.lines = zlib.decompress(packed), self.width * self.size + 1, None, []
        for y in range(self.height):
            line = bytearray(raw[y * step + 1:(y + 1) * step])
            before = unfilter(raw[y * step], line, before or bytes(len(line)), self.size)
            self.lines.append(before)

    def colour(self, x, y):
        at = int(x) * self.size
        return "#" + bytes(self.lines[int(y)][at:at + 3]).hex()


class Looks(CtlCase):
    time_limit = 300

    def draw(self, *args):
        year.write(self)
        text = self.ctl("timeline", "--output=svg", "--utc", "--since=2025-01-01", "--until=2026-01-01", *args).out
        path = self.dir / "year.svg"
        path.write_text(text)
        return path, xml.etree.ElementTree.fromstring(text), text

    def render(self, path, root, *options):
        shot = self.dir / "shot.png"
        profile = self.dir / "profile"
        profile.mkdir(exist_ok=True)
        shot.unlink(missing_ok=True)
        command = [shutil.which(BROWSER) or BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1", f"--user-data-dir={profile}",
                   f"--window-size={root.get('width')},{root.get('height')}", f"--screenshot={shot}", *options,
                   f"file://{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "HOME": str(profile)}, check=False)
        self.assertTrue(shot.exists(), f"{BROWSER}: {done.stderr}")
        return Png(shot.read_bytes())

    def palettes(self, text):
        light, dark = text.split("@media", 1)
        return [dict(re.findall(r"\.([\w-]+)\{fill:(#\w+)\}", part)) for part in (light, dark.split("</style>")[0])]

    def check(self, image, root, palette):
        """Each state is there in its colour, and each gap, however short, stands out from the beats around it."""
        self.assertEqual(image.colour(2, 2), palette["page"])
        seen = set()
        for group in root.iter(f"{SVG}g"):
            for rect in group.iter(f"{SVG}rect"):
                x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
                found = {image.colour(column, y + height / 2) for column in range(int(x), int(x + width) + 1)}
                self.assertNotEqual(found, {palette["beating"]}, group.find(f"{SVG}title").text)
                if width >= 4:
                    self.assertEqual(image.colour(x + width / 2, y + height / 2), palette[rect.get("class")])
                    seen.add(rect.get("class"))
        self.assertEqual(seen, {"silent", "down", "suspended", "unknown"})
        row = next(rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "beating")
        self.assertEqual(image.colour(float(row.get("x")) + 5, float(row.get("y")) + 5), palette["beating"])

    def check_record(self, image, text, palette, unit):
        """What happened to the host has the colour that it is to have, where axis and rows say that it was: from the
        record alone, whatever shapes there are."""
        found, looked = picture.Picture(text), 0
        self.assertEqual(len(found.rows), 12 if unit == "month" else 365)
        self.assertGreater(found.scale * (31 if unit == "month" else 1) * picture.DAY, 0.8 * found.width)

        def look(usec, beside=0):
            name = stamp(usec)[:7 if unit == "month" else 10]
            seconds = (usec - year.BEGIN) % year.DAY // SECOND
            seconds += 0 if unit == "day" else (int(stamp(usec)[8:10]) - 1) * picture.DAY
            return image.colour(found.x(seconds) + beside, found.y(name))

        for day, _, cause, usec, _ in year.events():
            begin, shade = year.BEGIN + day * year.DAY + 6 * year.HOUR, SHADES.get(cause, "silent")
            self.assertEqual(look(begin, -3), palette["beating"], cause)
            self.assertEqual(look(begin + usec + year.MINUTE, 4), palette["beating"], cause)
            self.assertNotEqual(look(begin, 1), palette["beating"], cause)
            if usec // SECOND * found.scale >= 6:  # the pixels at both ends are mixed
                for at, beside in ((0, 2), (usec // 4, 0), (usec // 2, 0), (usec * 3 // 4, 0), (usec, -2)):
                    self.assertEqual(look(begin + at, beside), palette[shade], (cause, at))
                looked += 1
        self.assertEqual(looked, 8 if unit == "month" else 13)

    def test_year_in_the_light_and_in_the_dark(self):
        path, root, text = self.draw()
        light, dark = self.palettes(text)
        self.assertEqual(light.keys(), dark.keys())
        self.assertTrue(all(light[name] != dark[name] for name in light))
        bright = self.render(path, root)
        self.check(bright, root, light)
        self.check_record(bright, text, light, "month")
        dim = self.render(path, root, "--force-dark-mode")
        self.check(dim, root, dark)
        self.check_record(dim, text, dark, "month")
        self.assertNotEqual(bright.lines, dim.lines)

    def test_power_cut_of_a_minute_is_red_between_beats(self):
        path, root, text = self.draw()
        palette = self.palettes(text)[0]
        image = self.render(path, root)
        group = next(group for group in root.iter(f"{SVG}g") if "10 beats missed" in group.find(f"{SVG}title").text
                     and group.find(f"{SVG}rect").get("class") == "down")
        rect = group.find(f"{SVG}rect")
        x, y = float(rect.get("x")), float(rect.get("y")) + 12
        colours = [int(image.colour(column, y)[i:i + 2], 16) for column in (x + 1,) for i in (1, 3, 5)]
        self.assertGreater(colours[0], 1.5 * colours[1], colours)
        self.assertEqual(image.colour(x - 4, y), palette["beating"])
        self.assertEqual(image.colour(x + 8, y), palette["beating"])

    def test_year_of_days(self):
        path, root, text = self.draw("--by=day")
        image, palette = self.render(path, root), self.palettes(text)[0]
        self.check(image, root, palette)
        self.check_record(image, text, palette, "day")
