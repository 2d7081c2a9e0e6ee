//! The headers of the Lua files declare exactly what each part needs, sets and gives, in every script.
//!
//! `-- Needs` lists the locals of other parts that a part reads. `-- Sets` lists those that it assigns. `-- Gives`
//! lists its own locals that other parts use. An undeclared name would be a global, and the server rejects a global
//! only when execution reaches it.

use std::collections::{BTreeMap, BTreeSet};

use rmap_proto::script::{self, Script};

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];
const GLOBALS: &[&str] = &[
    "ARGV", "KEYS", "cjson", "ipairs", "math", "pairs", "pcall", "redis", "string", "struct", "table",
    "tonumber", "type", "unpack",
];

type Names = BTreeSet<String>;

/// The locals that a part shares with other parts, as declared or as used.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ties {
    needs: Names,
    sets: Names,
    gives: Names,
}

impl Ties {
    fn said_by(header: &[&str]) -> Self {
        let names = |word: &str| -> Names {
            let lists = header
                .iter()
                .filter_map(|line| line.strip_prefix("-- ")?.strip_prefix(word)?.strip_prefix(' '));
            lists.flat_map(|list| list.split(", ").map(str::to_owned)).collect()
        };
        Self { needs: names("Needs"), sets: names("Sets"), gives: names("Gives") }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    part: usize,
}

impl Token<'_> {
    fn is_name(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !KEYWORDS.contains(&self.text)
    }
}

/// Splits a script into its parts: the title, which is the first line, and the text.
fn parts(script: &Script) -> Vec<(&str, String)> {
    let begins = |line: &str| {
        let title = line.strip_prefix("-- ").and_then(|line| line.split_once(": "));
        title
            .is_some_and(|(word, _)| word == "Part" || script::ALL.iter().any(|script| script.name() == word))
    };
    let mut parts: Vec<(&str, String)> = Vec::new();
    for line in script.source().lines() {
        if begins(line) {
            parts.push((line, String::new()));
        }
        let (_, text) = parts.last_mut().expect("a script begins with a header");
        text.push_str(line);
        text.push('\n');
    }
    parts
}

/// Splits a part into tokens, without comments and strings. A number stays in one piece.
fn tokens(part: usize, text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' => string_length(rest, first),
            _ if rest.starts_with("==")
                || rest.starts_with("~=")
                || rest.starts_with("<=")
                || rest.starts_with(">=") =>
            {
                2
            }
            _ if first.is_ascii_alphanumeric() || first == '_' => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        if !(first.is_whitespace() || text.starts_with("--")) {
            tokens.push(Token { text, part });
        }
        rest = after;
    }
    tokens
}

fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// Follows the scopes of a script from beginning to end.
struct Walk<'a> {
    tokens: Vec<Token<'a>>,
    /// For each open block, its locals and the part that declared each.
    scopes: Vec<BTreeMap<&'a str, usize>>,
    ties: Vec<Ties>,
    undeclared: Names,
}

impl<'a> Walk<'a> {
    fn through(tokens: Vec<Token<'a>>, parts: usize) -> Self {
        let ties = (0..parts).map(|_| Ties::default()).collect();
        let mut walk = Self { tokens, scopes: vec![BTreeMap::new()], ties, undeclared: Names::new() };
        let mut at = 0;
        while at < walk.tokens.len() {
            at = walk.step(at);
        }
        assert_eq!(walk.scopes.len(), 1, "a block is not closed");
        walk
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    /// Consumes one token or declaration, and returns the index of the next.
    fn step(&mut self, at: usize) -> usize {
        match self.text(at) {
            "local" if self.text(at + 1) == "function" => {
                self.declare(at + 2);
                self.open_function(at + 3)
            }
            "local" => self.declare_list(at + 1),
            "function" => self.open_function(at + 1),
            "for" => {
                // The loop's variables belong to the block that `do` opens. The expressions before `do` cannot use
                // them.
                self.scopes.push(BTreeMap::new());
                self.declare_list(at + 1)
            }
            "do" if self.is_loop_of_for(at) => at + 1,
            "then" | "do" | "repeat" => self.open(at),
            "else" => {
                self.scopes.pop();
                self.open(at)
            }
            "elseif" | "end" | "until" => {
                self.scopes.pop();
                at + 1
            }
            _ => {
                self.take(at);
                at + 1
            }
        }
    }

    fn open(&mut self, at: usize) -> usize {
        self.scopes.push(BTreeMap::new());
        at + 1
    }

    /// True for the `do` of a `for`, whose block is already open.
    fn is_loop_of_for(&self, at: usize) -> bool {
        let before = self.tokens[..at].iter().rev();
        let head = before.map(|token| token.text).find(|text| ["for", "while", "do", "then"].contains(text));
        head == Some("for")
    }

    /// Opens the block of a function, with its parameters.
    fn open_function(&mut self, at: usize) -> usize {
        self.scopes.push(BTreeMap::new());
        if self.text(at + 1) == ")" { at + 2 } else { self.declare_list(at + 1) }
    }

    fn declare_list(&mut self, mut at: usize) -> usize {
        self.declare(at);
        while self.text(at + 1) == "," {
            at += 2;
            self.declare(at);
        }
        at + 1
    }

    fn declare(&mut self, at: usize) {
        let Token { text, part } = self.tokens[at];
        self.scopes.last_mut().expect("a scope").insert(text, part);
    }

    fn take(&mut self, at: usize) {
        let token = self.tokens[at];
        let is_field =
            at > 0 && [".", ":"].contains(&self.text(at - 1)) && self.text(at.wrapping_sub(2)) != ".";
        let is_key = self.text(at + 1) == "="
            && ["{", ","].contains(&self.text(at.wrapping_sub(1)))
            && self.in_table(at);
        if !token.is_name() || is_field || is_key || GLOBALS.contains(&token.text) {
            return;
        }
        let owner = self.scopes.iter().rev().find_map(|scope| scope.get(token.text)).copied();
        let Some(owner) = owner else {
            self.undeclared.insert(token.text.to_owned());
            return;
        };
        if owner != token.part {
            self.ties[owner].gives.insert(token.text.to_owned());
            let assigned = self.is_assigned(at);
            let ties = &mut self.ties[token.part];
            if assigned { &mut ties.sets } else { &mut ties.needs }.insert(token.text.to_owned());
        }
    }

    /// True inside braces.
    fn in_table(&self, at: usize) -> bool {
        let depth = |text: &str| match text {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        self.tokens[..at].iter().map(|token| depth(token.text)).sum::<i32>() > 0
    }

    /// True for the target of an assignment: names and elements separated by commas, up to a `=`.
    fn is_assigned(&self, at: usize) -> bool {
        let mut ahead = at + 1;
        let mut depth = 0;
        if !["=", ","].contains(&self.text(ahead)) || self.in_table(at) {
            return false;
        }
        let begins_statement = |at: usize| {
            let line = self.tokens[..at]
                .iter()
                .rev()
                .take_while(|token| [",", "]", "["].contains(&token.text) || token.is_name());
            let before = at - line.count();
            before == 0 || !["=", "(", "{", "return", "in", "local", "for"].contains(&self.text(before - 1))
        };
        loop {
            match (self.text(ahead), depth) {
                ("=", 0) => return begins_statement(at),
                ("[", _) => depth += 1,
                ("]", _) => depth -= 1,
                (",", 0) => {}
                (_, 1..) => {}
                (_, 0)
                    if self.tokens.get(ahead).is_some_and(|token| token.is_name())
                        && self.text(ahead - 1) == "," => {}
                _ => return false,
            }
            ahead += 1;
        }
    }
}

#[test]
fn what_a_part_needs_sets_and_gives_is_what_its_header_says() {
    let mut said: BTreeMap<String, Ties> = BTreeMap::new();
    let mut done: BTreeMap<String, Ties> = BTreeMap::new();
    for script in script::ALL {
        let parts = parts(script);
        let tokens: Vec<_> =
            parts.iter().enumerate().flat_map(|(part, (_, text))| tokens(part, text)).collect();
        let walk = Walk::through(tokens, parts.len());
        assert!(
            walk.undeclared.is_empty(),
            "{} uses what no part gives: {:?}",
            script.name(),
            walk.undeclared
        );
        for ((title, text), ties) in parts.iter().zip(walk.ties) {
            if *title == "-- Part: choice" {
                continue;
            }
            let header: Vec<_> = text.lines().take_while(|line| line.starts_with("--")).collect();
            said.insert((*title).to_owned(), Ties::said_by(&header));
            let done = done.entry((*title).to_owned()).or_default();
            done.needs.extend(ties.needs);
            done.sets.extend(ties.sets);
            done.gives.extend(ties.gives);
        }
    }
    let mut wrong = String::new();
    for (title, mut ties) in done {
        ties.needs.retain(|name| !ties.sets.contains(name));
        if said[&title] != ties {
            wrong.push_str(&format!("{title}\n"));
            for (word, names) in [("Needs", ties.needs), ("Sets", ties.sets), ("Gives", ties.gives)] {
                if !names.is_empty() {
                    wrong.push_str(&format!(
                        "-- {word} {}\n",
                        names.into_iter().collect::<Vec<_>>().join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these headers should say:\n{wrong}");
}
