//! The language server: what `snnc lsp` answers to an editor.
//!
//! ```text
//! didOpen, didChange  ->  publishDiagnostics      hover, definition, completion, rename, …  ->  one answer each
//! ```
//!
//! It stands beside the command line and on the same checker, so that an editor shows what `snnc check` says. Programs are
//! checked whole, shortly after the last key; questions about names are answered from the syntax tree alone, so that there is an
//! answer while the program has mistakes. It never ends by itself: a panic in a check or in an answer is caught and told to the
//! editor, and a message that makes no sense is answered with an error. Files are read through [`Disk`] only.

mod complete;
mod context;
mod diagnostics;
mod documents;
mod facts;
mod hover;
mod index;
mod rename;
mod symbols;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self as told, Notification as _};
use lsp_types::request::{self as asked, Request as _};
use lsp_types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use documents::Disk;
use documents::{Documents, View};
use text::{Lines, path_of};

/// How long after a change a program is checked: most keys are followed by another one sooner.
const QUIET: Duration = Duration::from_millis(60);

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The editor said goodbye: `shutdown`, then `exit`.
    Orderly,
    /// `exit` without `shutdown`, or there was nobody left.
    Abrupt,
}

/// Why a request has no answer.
type Failure = (ErrorCode, String);
type Answer = Result<Value, Failure>;

/// Talks with an editor until it goes.
pub fn serve(connection: &Connection, disk: &dyn Disk) -> End {
    let Some(client) = greet(connection) else { return End::Abrupt };
    let documents = Documents::default();
    let mut server = Server { connection, disk, client, documents, shown: BTreeMap::new(), due: None, shut: false };
    loop {
        let message = match server.due {
            None => connection.receiver.recv().ok(),
            Some(due) => match connection.receiver.recv_deadline(due) {
                Ok(message) => Some(message),
                Err(e) if e.is_timeout() => {
                    server.check();
                    continue;
                }
                Err(_) => None,
            },
        };
        match message {
            None => return End::Abrupt,
            Some(Message::Request(request)) => server.request(request),
            Some(Message::Notification(n)) if n.method == told::Exit::METHOD => {
                return if server.shut { End::Orderly } else { End::Abrupt };
            }
            Some(Message::Notification(n)) => server.notified(n),
            // To what was registered; there is nothing to be done about a refusal.
            Some(Message::Response(_)) => {}
        }
    }
}

/// What the editor can do.
#[derive(Debug, Clone, Copy, Default)]
struct Client {
    /// It shows outlines as trees.
    trees: bool,
    /// It tells of files that change, if it is asked to.
    watches: bool,
}

/// The first request; `None` if the editor goes before it.
fn greet(connection: &Connection) -> Option<Client> {
    let (id, params) = connection.initialize_start().ok()?;
    let flag = |path: &str| params.pointer(path).and_then(Value::as_bool).unwrap_or(false);
    let client = Client {
        trees: flag("/capabilities/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
        watches: flag("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
    };
    let answer = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "snnc", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.sender.send(Response::new_ok(id, answer).into()).ok()?;
    Some(client)
}

fn capabilities() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(SaveOptions::default().into()),
        ..Default::default()
    };
    let signs = [" ", "(", ",", ">"].map(str::to_string).to_vec();
    ServerCapabilities {
        position_encoding: Some(PositionEncodingKind::UTF16),
        text_document_sync: Some(sync.into()),
        hover_provider: Some(true.into()),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions { trigger_characters: Some(signs), ..Default::default() }),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        ..Default::default()
    }
}

struct Server<'s> {
    connection: &'s Connection,
    disk: &'s dyn Disk,
    client: Client,
    documents: Documents,
    /// What the editor was told last of each file.
    shown: BTreeMap<PathBuf, Vec<Diagnostic>>,
    /// When what has changed is checked.
    due: Option<Instant>,
    shut: bool,
}

/// Runs something that may be wrong about a program it was not made for. The hook of the command line says where.
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

fn read<P: DeserializeOwned>(params: Value) -> Result<P, Failure> {
    serde_json::from_value(params).map_err(|e| (ErrorCode::InvalidParams, e.to_string()))
}

fn written(value: impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|e| (ErrorCode::InternalError, e.to_string()))
}

impl Server<'_> {
    /// An editor that is gone is noticed when the next message is waited for.
    fn send(&self, message: impl Into<Message>) {
        let _ = self.connection.sender.send(message.into());
    }

    fn tell<N: told::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_string(), params));
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let answer = if self.shut {
            Err((ErrorCode::InvalidRequest, "the server was shut down".to_string()))
        } else {
            caught(|| self.answer(&method, params)).unwrap_or_else(|| {
                Err((ErrorCode::InternalError, format!("{method}: this is a bug in snnc, not in your program")))
            })
        };
        self.send(match answer {
            Ok(value) => Response::new_ok(id, value),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        });
    }

    fn answer(&mut self, method: &str, params: Value) -> Answer {
        match method {
            asked::Shutdown::METHOD => {
                self.shut = true;
                Ok(Value::Null)
            }
            asked::HoverRequest::METHOD => {
                // What is hovered over may have a message, which may be of a text before this one.
                self.check();
                let p = read::<HoverParams>(params)?.text_document_position_params;
                self.at(&p, |s, view, offset| {
                    written(s.documents.get(&view.path).and_then(|d| hover::hover(d, view, offset)))
                })
            }
            asked::GotoDefinition::METHOD => {
                let p = read::<GotoDefinitionParams>(params)?.text_document_position_params;
                self.at(&p, |s, view, offset| written(s.definition(view, offset)))
            }
            asked::References::METHOD => {
                let p = read::<ReferenceParams>(params)?;
                let declaration = p.context.include_declaration;
                self.at(&p.text_document_position, |s, view, offset| {
                    written(rename::references(&s.documents, s.disk, view, offset, declaration))
                })
            }
            asked::DocumentHighlightRequest::METHOD => {
                let p = read::<DocumentHighlightParams>(params)?.text_document_position_params;
                self.at(&p, |_, view, offset| written(highlights(view, offset)))
            }
            asked::Completion::METHOD => {
                let p = read::<CompletionParams>(params)?;
                let sign = p.context.and_then(|c| c.trigger_character);
                self.at(&p.text_document_position, |_, view, offset| {
                    written(complete::complete(view, offset, sign.as_deref() == Some(" ")))
                })
            }
            asked::PrepareRenameRequest::METHOD => {
                let p = read::<TextDocumentPositionParams>(params)?;
                self.at(&p, |_, view, offset| {
                    let (range, placeholder) = rename::prepare(view, offset).map_err(refused)?;
                    written(PrepareRenameResponse::RangeWithPlaceholder { range, placeholder })
                })
            }
            asked::Rename::METHOD => {
                let p = read::<RenameParams>(params)?;
                self.at(&p.text_document_position, |s, view, offset| {
                    let edits = rename::rename(&s.documents, s.disk, view, offset, &p.new_name).map_err(refused)?;
                    written(WorkspaceEdit { changes: Some(edits.into_iter().collect()), ..Default::default() })
                })
            }
            asked::DocumentSymbolRequest::METHOD => {
                let uri = read::<DocumentSymbolParams>(params)?.text_document.uri;
                let Some(view) = self.documents.view(&path_of(&uri), self.disk) else { return Ok(Value::Null) };
                let outline = symbols::outline(&view);
                if self.client.trees { written(outline) } else { written(symbols::flat(&uri, outline)) }
            }
            asked::Formatting::METHOD => {
                let uri = read::<DocumentFormattingParams>(params)?.text_document.uri;
                written(self.documents.get(&path_of(&uri)).and_then(|d| layout(&d.text)))
            }
            _ => Err((ErrorCode::MethodNotFound, format!("`{method}` is not known here"))),
        }
    }

    /// Answers a question about a place in an open file; about any other the answer is nothing.
    fn at(&self, place: &TextDocumentPositionParams, answer: impl FnOnce(&Self, &View, usize) -> Answer) -> Answer {
        let path = path_of(&place.text_document.uri);
        let Some(view) = self.documents.view(&path, self.disk) else { return Ok(Value::Null) };
        let offset = Lines::new(view.text()).offset(place.position);
        answer(self, &view, offset)
    }

    fn definition(&self, view: &View, offset: usize) -> Option<Location> {
        let home = crate::source::FileId::default();
        if let Some((id, _)) = view.index.at(home, offset) {
            return view.location(&self.documents, view.index.symbols[id].at);
        }
        let here = |s: crate::source::Span| s.file == home && (s.start as usize..=s.end as usize).contains(&offset);
        let import = view.index.imports.iter().find(|i| here(i.span))?;
        let path = text::normal(&view.path.parent()?.join(&import.text));
        let uri = self.documents.get(&path).map_or_else(|| text::uri_of(&path), |d| Some(d.uri.clone()))?;
        Some(Location::new(uri, Range::default()))
    }

    fn notified(&mut self, n: Notification) {
        // A message that makes no sense changes nothing, and there is no way to answer one.
        let _ = caught(|| self.take(&n.method, n.params));
        self.due = if self.documents.any_stale() { self.due.or_else(|| Some(Instant::now() + QUIET)) } else { None };
    }

    fn take(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        match method {
            told::Initialized::METHOD if self.client.watches => self.watch(),
            told::DidOpenTextDocument::METHOD => {
                let d = read::<DidOpenTextDocumentParams>(params)?.text_document;
                self.documents.open(d.uri.clone(), path_of(&d.uri), d.version, d.text);
            }
            told::DidChangeTextDocument::METHOD => {
                let p = read::<DidChangeTextDocumentParams>(params)?;
                let (path, version) = (path_of(&p.text_document.uri), p.text_document.version);
                self.documents.change(&path, version, |text| {
                    p.content_changes.into_iter().for_each(|change| edit(text, change));
                });
                // Another key: later.
                self.due = None;
            }
            told::DidCloseTextDocument::METHOD => {
                let uri = read::<DidCloseTextDocumentParams>(params)?.text_document.uri;
                let path = path_of(&uri);
                self.documents.close(&path);
                self.shown.remove(&path);
                // What is wrong with a file is shown while it is open.
                self.tell::<told::PublishDiagnostics>(PublishDiagnosticsParams::new(uri, vec![], None));
                self.publish(&[]);
            }
            told::DidSaveTextDocument::METHOD => {
                self.documents.touch(&path_of(&read::<DidSaveTextDocumentParams>(params)?.text_document.uri));
            }
            told::DidChangeWatchedFiles::METHOD => {
                for change in read::<DidChangeWatchedFilesParams>(params)?.changes {
                    self.documents.touch(&path_of(&change.uri));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks to be told of programs and data files that change on the disk.
    fn watch(&self) {
        let watchers = json!([{ "globPattern": "**/*.{snn,csv,npz}" }]);
        let registration = json!({
            "id": "files", "method": told::DidChangeWatchedFiles::METHOD, "registerOptions": { "watchers": watchers },
        });
        let params = json!({ "registrations": [registration] });
        let id = RequestId::from("files".to_string());
        self.send(Request::new(id, asked::RegisterCapability::METHOD.to_string(), params));
    }

    /// Checks what has changed and shows what is new.
    fn check(&mut self) {
        self.due = None;
        let failed = std::cell::Cell::new(false);
        let checked = self.documents.check(self.disk, |run| {
            let done = caught(run).is_some();
            failed.set(failed.get() || !done);
            done
        });
        self.publish(&checked);
        if failed.get() {
            let message = "snnc could not check this program: this is a bug in snnc, not in your program. Please report it \
                           with the program.";
            let params = ShowMessageParams { typ: MessageType::ERROR, message: message.to_string() };
            self.tell::<told::ShowMessage>(params);
        }
    }

    /// Shows the messages of the files that were checked, and of others if they are other ones than before.
    fn publish(&mut self, checked: &[PathBuf]) {
        let mut news = vec![];
        for d in self.documents.all() {
            let found = diagnostics::of(d, &self.documents);
            let before: Option<&Vec<Diagnostic>> = self.shown.get(&d.path);
            if checked.contains(&d.path) || before.is_some_and(|b| *b != found) {
                news.push((d.path.clone(), d.uri.clone(), d.version, found));
            }
        }
        for (path, uri, version, found) in news {
            self.shown.insert(path, found.clone());
            self.tell::<told::PublishDiagnostics>(PublishDiagnosticsParams::new(uri, found, Some(version)));
        }
    }
}

fn refused(why: String) -> Failure {
    (ErrorCode::RequestFailed, why)
}

/// A change as an editor sends it: of a range, or the whole text anew.
fn edit(text: &mut String, change: TextDocumentContentChangeEvent) {
    match change.range {
        None => *text = change.text,
        Some(range) => {
            let lines = Lines::new(text);
            let (a, b) = (lines.offset(range.start), lines.offset(range.end));
            text.replace_range(a.min(b)..a.max(b), &change.text);
        }
    }
}

fn highlights(view: &View, offset: usize) -> Vec<DocumentHighlight> {
    let home = crate::source::FileId::default();
    let lines = Lines::new(view.text());
    let places = view.index.at(home, offset).map_or(vec![], |(id, _)| view.index.places(id));
    let own = places.into_iter().filter(|p| p.file == home);
    own.map(|p| DocumentHighlight { range: lines.range(p), kind: Some(DocumentHighlightKind::TEXT) }).collect()
}

/// The edits that lay a text out as `snnc fmt` does: none if it is so already. Nothing if it has syntax errors, which are shown
/// as messages.
fn layout(text: &str) -> Option<Vec<TextEdit>> {
    let formatted = crate::syntax::format::format_faithfully(text)?;
    if formatted == text {
        return Some(vec![]);
    }
    Some(vec![TextEdit::new(Lines::new(text).whole(), formatted)])
}

/// The folder that a program is in; none of one that was never saved.
pub fn folder_of(program: &Path) -> Option<&Path> {
    program.parent().filter(|p| p.is_absolute())
}
