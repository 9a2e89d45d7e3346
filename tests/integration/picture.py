# SPDX-License-Identifier: MIT
"""Where a time is in a picture of the timeline, as one who looks at it reads it from its axis and its rows."""

import xml.etree.ElementTree

SVG = "{http://www.w3.org/2000/svg}"
HOUR, DAY = 3600, 86400


class Picture:
    """x(seconds since the row's beginning), y(a row's name): the middle of the row."""

    def __init__(self, text):
        self.root = xml.etree.ElementTree.fromstring(text)
        self.width, self.height = (float(self.root.get(key)) for key in ("width", "height"))
        labels = [(text.get("text-anchor"), text.text, float(text.get("x")), float(text.get("y")))
                  for text in self.root.iter(f"{SVG}text")]
        self.rows = {name: y - 4 for anchor, name, _, y in labels if anchor == "end"}
        axis = {name: x for anchor, name, x, _ in labels if anchor == "middle"}
        if "24:00" in axis:  # an hour's name is where it begins, a day's in its middle
            self.scale, self.left = (axis["21:00"] - axis["03:00"]) / (18 * HOUR), axis["00:00"]
        else:
            self.scale = (axis["31"] - axis["1"]) / (30 * DAY)
            self.left = axis["1"] - self.scale * 12 * HOUR

    def x(self, seconds):
        return self.left + seconds * self.scale

    def y(self, name):
        return self.rows[name]

    def shapes(self, state):
        """(row, x, width) of each shape of a state in the rows, by row and x."""
        found = []
        for group in self.root.iter(f"{SVG}g"):
            for rect in group.iter(f"{SVG}rect"):
                x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
                if rect.get("class") == state:
                    found.append((next(name for name, at in self.rows.items() if y < at < y + height), x, width))
        return sorted(found)
