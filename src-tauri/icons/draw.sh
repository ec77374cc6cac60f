#!/usr/bin/env bash
# Draw the icons. Needs ImageMagick and nothing else (no SVG renderer); the results are committed.
set -euo pipefail
cd "$(dirname "$0")"
convert -size 1024x1024 xc:none \
  -fill '#101517' -draw 'roundrectangle 32,32 991,991 208,208' \
  -fill '#4fb6e3' -draw 'path "M 214,538 c 100,-64 198,-64 298,0 s 198,64 298,0 L 512,830 z"' \
  -fill none -stroke '#e8eef0' -strokewidth 60 -draw 'stroke-linejoin round path "M 512,152 L 872,512 L 512,872 L 152,512 z"' \
  -resize 512x512 -depth 8 PNG32:icon.png
draw() { convert icon.png -resize "$1x$1" -depth 8 "PNG32:$2"; }
draw 32 32x32.png
draw 128 128x128.png
draw 256 128x128@2x.png
# The tray: the same diamond, with a mark for the worst state; a shape as well as a colour.
tray() { convert icon.png -resize 64x64 -stroke '#101517' -strokewidth 3 -fill "$2" -draw "$3" -depth 8 "PNG32:tray-$1.png"; }
tray ok '#4cc07c' 'circle 48,48 48,60'
tray warn '#e0a73a' 'polygon 48,34 62,62 34,62'
tray bad '#ff6b5e' 'rectangle 35,35 61,61'
tray off '#8a979c' 'rectangle 34,44 62,53'
