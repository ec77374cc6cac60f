//! What an SVG of a heatmap alone, over the whole width, shows. For the tests of the command line, too.

/// Its cells of one colour: day from the top, hour, and width in hours.
pub fn cells(svg: &str, fill: &str) -> Vec<(usize, f64, f64)> {
    let number = |rect: &str, name: &str| -> f64 {
        let value = rect.split(&format!(" {name}=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().parse().unwrap()
    };
    svg.lines()
        .filter(|line| line.starts_with("<rect ") && line.contains(fill))
        .filter(|rect| number(rect, "height") > 80.0)
        .map(|rect| {
            let day = (number(rect, "y") - 1160.0) / 1580.0 * 7.0;
            let hour = (number(rect, "x") - 1160.0) / 480.0;
            (day.round() as usize, hour, (number(rect, "width") + 10.0) / 480.0)
        })
        .collect()
}
