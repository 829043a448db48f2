//! Reads a page as a browser's tokenizer does, and holds it against what every page promises.

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{Token, Tokenizer};

/// Elements without an end tag.
const VOID: [&str; 4] = ["meta", "br", "link", "img"];

/// What a drawing may consist of: closed by a slash, or by its end tag.
const DRAWN: [&str; 6] = ["line", "rect", "circle", "polyline", "polygon", "path"];

/// An element: its name, its attributes, the names of those around it, and the text inside.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub around: Vec<String>,
    pub text: String,
}

/// A well-formed page.
#[derive(Debug)]
pub struct Page {
    pub elements: Vec<Element>,
    pub text: String,
    pub bytes: usize,
}

fn utf8(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).unwrap()
}

impl Page {
    /// Reads a page and checks that it is well-formed, fetches nothing, runs nothing, and says in words
    /// what it draws.
    #[track_caller]
    pub fn read(bytes: &[u8]) -> Self {
        let page = Self::parse(bytes);
        page.fetches_nothing();
        page.draws_nothing_without_words();
        page
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut text = String::new();
        for token in Tokenizer::new(bytes) {
            match token.unwrap() {
                Token::StartTag(tag) => {
                    let name = utf8(&*tag.name);
                    let around = open.iter().map(|&i| elements[i].name.clone()).collect();
                    let attributes = tag.attributes.iter();
                    let attributes = attributes.map(|(k, v)| (utf8(&**k), utf8(&**v)));
                    elements.push(Element {
                        attributes: attributes.collect(),
                        around,
                        text: String::new(),
                        name: name.clone(),
                    });
                    let is_drawn = tag.self_closing && DRAWN.contains(&&*name);
                    assert!(is_drawn || !tag.self_closing, "<{name}/> is no HTML");
                    if !is_drawn && !VOID.contains(&&*name) {
                        open.push(elements.len() - 1);
                    }
                }
                Token::EndTag(tag) => {
                    let name = utf8(&*tag.name);
                    let closed = open.pop().map(|i| elements[i].name.clone());
                    assert_eq!(closed, Some(name), "an end tag closes another element");
                }
                Token::String(string) => {
                    let string = utf8(&**string);
                    for &i in &open {
                        elements[i].text += &string;
                    }
                    text += &string;
                }
                Token::Doctype(doctype) => assert_eq!(utf8(&*doctype.name), "html"),
                Token::Error(error) => panic!("{error:?}"),
                Token::Comment(_) => panic!("a comment"),
            }
        }
        assert!(open.is_empty(), "an element is not closed");
        let ids = elements.iter().filter_map(|e| e.attributes.get("id"));
        let (n_ids, distinct): (usize, BTreeSet<_>) = (ids.clone().count(), ids.collect());
        assert_eq!(n_ids, distinct.len(), "an id stands twice");
        Self {
            elements,
            text,
            bytes: bytes.len(),
        }
    }

    fn fetches_nothing(&self) {
        for element in &self.elements {
            let Element {
                name, attributes, ..
            } = element;
            let is_allowed = ![
                "script", "link", "img", "iframe", "object", "embed", "image", "use",
            ]
            .contains(&&**name);
            assert!(is_allowed, "<{name}>");
            for (attribute, value) in attributes {
                let fetches = [
                    "src",
                    "srcset",
                    "xlink:href",
                    "style",
                    "background",
                    "action",
                ];
                let runs = attribute.starts_with("on");
                assert!(
                    !runs && !fetches.contains(&&**attribute),
                    "<{name} {attribute}>"
                );
                // A link to a place on the page itself, or one that a reader follows.
                let is_followed = name == "a" && value.starts_with("https://");
                let is_link = value.starts_with('#') || is_followed;
                assert!(attribute != "href" || is_link, "{value}");
            }
            if name == "style" {
                for word in ["@import", "url(", "://", "</"] {
                    assert!(!element.text.contains(word), "{word} in the style");
                }
            }
        }
        let is_policy = |e: &&Element| {
            e.attributes
                .get("http-equiv")
                .is_some_and(|v| v == "Content-Security-Policy")
        };
        let policy = self.elements.iter().find(is_policy).unwrap();
        assert!(policy.attributes["content"].starts_with("default-src 'none';"));
    }

    /// Every drawing has a name, a description and a table of its numbers.
    fn draws_nothing_without_words(&self) {
        let figures = self.all("figure").count();
        assert_eq!(self.all("svg").count(), figures);
        for svg in self.all("svg") {
            assert_eq!(svg.attributes["role"], "img");
            assert!(svg.around.iter().any(|name| name == "figure"));
            for (attribute, least) in [("aria-labelledby", 5), ("aria-describedby", 30)] {
                let id = &svg.attributes[attribute];
                let words = self.by_id(id).text.chars().count();
                assert!(words >= least, "{attribute} {id}: {words} characters");
            }
        }
        let tables = self.all("table");
        let in_figures = tables.filter(|t| {
            let has = |name: &str| t.around.iter().any(|around| around == name);
            has("figure") && has("details")
        });
        let with_numbers = in_figures.filter(|t| t.text.chars().any(|c| c.is_ascii_digit()));
        assert_eq!(with_numbers.count(), figures);
    }

    /// All elements of a name.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Element> {
        self.elements.iter().filter(move |e| e.name == name)
    }

    /// The element with an id.
    #[track_caller]
    pub fn by_id(&self, id: &str) -> &Element {
        let is = |e: &&Element| e.attributes.get("id").is_some_and(|found| found == id);
        self.elements
            .iter()
            .find(is)
            .unwrap_or_else(|| panic!("no #{id}"))
    }

    /// The element of a class.
    #[track_caller]
    pub fn by_class(&self, class: &str) -> &Element {
        let is = |e: &&Element| {
            let classes = e.attributes.get("class").map_or("", |v| v);
            classes.split(' ').any(|found| found == class)
        };
        self.elements
            .iter()
            .find(is)
            .unwrap_or_else(|| panic!("no .{class}"))
    }

    /// The headings of all figures.
    pub fn figures(&self) -> Vec<&str> {
        let headings = self
            .all("h3")
            .filter(|e| e.around.iter().any(|name| name == "figure"));
        headings.map(|e| &e.text[..]).collect()
    }
}

#[test]
#[should_panic(expected = "closes another element")]
fn a_page_that_is_not_well_formed_is_seen() {
    Page::parse(b"<!DOCTYPE html><p><b></p></b>");
}

#[test]
#[should_panic(expected = "<img>")]
fn a_page_that_fetches_is_seen() {
    Page::read(b"<!DOCTYPE html><p><img src=\"https://example.org/x\"></p>");
}
