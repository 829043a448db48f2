//! A figure: a heading, a picture, what it shows in words, and its numbers as a table.

use maud::{Markup, html};

/// What a figure says without its picture.
pub struct Words<'a> {
    /// Unique on the page.
    pub id: String,
    /// What is shown.
    pub title: &'a str,
    /// What can be seen, with the most important numbers.
    pub text: String,
}

/// A table: the titles of its columns, and rows. Numbers stand in all columns but the first.
pub struct Table<'a> {
    /// The titles.
    pub columns: Vec<&'a str>,
    /// As many cells in each row.
    pub rows: Vec<Vec<String>>,
}

impl Table<'_> {
    /// As HTML, in a box that scrolls where the screen is narrow.
    pub fn markup(&self) -> Markup {
        html! {
            div.scroll tabindex="0" {
                table.numbers {
                    thead { tr { @for title in &self.columns { th scope="col" { (title) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (i, cell) in row.iter().enumerate() {
                                    @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The figure. `image` is made by the same `id`.
pub fn figure(words: &Words, image: &Markup, table: &Table) -> Markup {
    let id = &words.id;
    html! {
        figure {
            h3 id=(format!("{id}-title")) { (words.title) }
            (image)
            figcaption id=(format!("{id}-text")) { (words.text) }
            details {
                summary { "The numbers of “" (words.title) "”" }
                (table.markup())
            }
        }
    }
}
