//! The canvas of every chart: size, colours, fonts, legends.

use maud::{Markup, PreEscaped, html};
use plotters::{
    coord::Shift,
    element::PathElement,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// What is drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Why drawing fails. What is drawn into a string never does.
pub type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// The result of drawing.
pub type Drawn<T = ()> = Result<T, DrawError>;

// The colours of the light scheme. `style.css` gives each its counterpart in the dark one.
pub const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
pub const MUTED: RGBColor = RGBColor(0x59, 0x63, 0x6e);
pub const GRID: RGBColor = RGBColor(0xd1, 0xd9, 0xe0);
pub const BLUE: RGBColor = RGBColor(0x09, 0x69, 0xda);
pub const ORANGE: RGBColor = RGBColor(0xbc, 0x4c, 0x00);
pub const GREEN: RGBColor = RGBColor(0x1a, 0x7f, 0x37);
pub const PURPLE: RGBColor = RGBColor(0x82, 0x50, 0xdf);

/// Positions on a canvas are whole numbers, so that one of a quarter of a CSS pixel draws smooth lines.
const FINE: i32 = 4;

/// Width of every chart in CSS pixels: legible at the width of a phone.
pub const WIDTH: i32 = 480;

/// CSS pixels on the canvas.
pub const fn px(n: i32) -> i32 {
    n * FINE
}

/// A line of so many quarters of a CSS pixel.
pub fn line(color: RGBColor, quarters: u32) -> ShapeStyle {
    color.stroke_width(quarters)
}

/// Text of the size of all labels.
pub fn label(color: RGBColor) -> TextStyle<'static> {
    // The backend writes a font's size divided by 1.24.
    let size = f64::from(px(13)) * 1.24;
    TextStyle {
        font: ("sans-serif", size).into_font(),
        color: color.to_backend_color(),
        pos: Pos::default(),
    }
}

/// As [`label`], with its anchor.
pub fn anchored(color: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    label(color).pos(Pos::new(horizontal, vertical))
}

/// About the width of a label, in CSS pixels.
pub fn width_of(text: &str) -> i32 {
    text.chars().count() as i32 * 15 / 2
}

/// Draws an SVG image of `height` CSS pixels. `id` is that of the figure: its heading names the image
/// and its caption describes it.
pub fn svg(id: &str, height: i32, draw: impl FnOnce(&Area) -> Drawn) -> Drawn<Markup> {
    let mut image = String::new();
    let size = (px(WIDTH) as u32, px(height) as u32);
    {
        let area = SVGBackend::with_string(&mut image, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    // The page's own opening tag: as wide as its column, with a name.
    let inside = image.split_once('>').map_or("", |(_, rest)| rest);
    let inside = inside.trim_end().trim_end_matches("</svg>");
    let view_box = format!("0 0 {} {}", size.0, size.1);
    Ok(html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view_box) role="img"
            aria-labelledby=(format!("{id}-title")) aria-describedby=(format!("{id}-text")) {
            (PreEscaped(inside))
        }
    })
}

/// How a legend shows a series.
#[derive(Debug, Clone, Copy)]
pub enum Swatch {
    Line,
    Dashes,
    Band,
    Block,
    Square,
    Circle,
}

/// A legend in one row at the top of `area`. Returns what is left below.
pub fn legend<'a>(area: &Area<'a>, entries: &[(Swatch, RGBColor, &str)]) -> Drawn<Area<'a>> {
    let (row, rest) = area.split_vertically(px(20));
    let mut x = px(6);
    for &(swatch, color, text) in entries {
        let (middle, end) = (px(10), x + px(16));
        let square = |half: i32| {
            let center = (x + end) / 2;
            [
                (center - half, middle - half),
                (center + half, middle + half),
            ]
        };
        match swatch {
            Swatch::Line => row.draw(&PathElement::new(
                [(x, middle), (end, middle)],
                line(color, 8),
            ))?,
            Swatch::Dashes => {
                for x in [x, x + px(9)] {
                    let dash = [(x, middle), (x + px(6), middle)];
                    row.draw(&PathElement::new(dash, line(color, 8)))?;
                }
            }
            Swatch::Band => row.draw(&Rectangle::new(
                [(x, middle - px(4)), (end, middle + px(4))],
                color.mix(BAND).filled(),
            ))?,
            Swatch::Block => row.draw(&Rectangle::new(
                [(x, middle - px(4)), (end, middle + px(4))],
                color.filled(),
            ))?,
            Swatch::Square => row.draw(&Rectangle::new(square(px(3)), color.filled()))?,
            Swatch::Circle => {
                row.draw(&Circle::new(((x + end) / 2, middle), px(3), color.filled()))?;
            }
        }
        let at = (end + px(5), middle);
        row.draw(&Text::new(
            text.to_owned(),
            at,
            anchored(INK, HPos::Left, VPos::Center),
        ))?;
        x = at.0 + px(width_of(text) + 10);
    }
    Ok(rest)
}

/// Opacity of bands.
pub const BAND: f64 = 0.3;

/// A range of an axis around values: never empty, and with a margin that is a share of its length.
pub fn range_of(values: impl IntoIterator<Item = f64>, margin: f64) -> std::ops::Range<f64> {
    let finite = values.into_iter().filter(|x| x.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    if low > high {
        return 0.0..1.0;
    }
    let length = match high - low {
        0.0 => high.abs().max(1e-9) * 0.1,
        length => length,
    };
    let low = match low >= 0.0 {
        // What cannot be negative gets no axis below 0.
        true => (low - length * margin).max(0.0),
        false => low - length * margin,
    };
    low..high + length * margin.max(0.01)
}

#[cfg(test)]
mod tests {
    use super::range_of;

    #[test]
    fn a_range_is_never_empty() {
        for values in [
            &[][..],
            &[0.0],
            &[3.0, 3.0],
            &[f64::NAN],
            &[1.0, f64::INFINITY],
        ] {
            let range = range_of(values.iter().copied(), 0.0);
            assert!(range.start < range.end, "{values:?}: {range:?}");
        }
        assert_eq!(range_of([1.0, 3.0], 0.5), 0.0..4.0);
    }
}
