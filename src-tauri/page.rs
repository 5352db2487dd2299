//! What the shell itself tells the page, beside what the engine reports: a link that was opened, something
//! that went wrong before the page was there. Refuses to know how it is shown.

use maru_engine::Problem;
use parking_lot::Mutex;
use serde::Serialize;
use tauri::ipc::Channel;
use ts_rs::TS;

/// News of the shell for the page.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "shell.d.ts")]
pub enum News {
    /// Something went wrong, or the person has to know it.
    Problem {
        /// The sentence.
        #[ts(type = "{ key: string, values: Record<string, string | number>, text: string }")]
        problem: Problem,
    },
    /// A link to a room was opened. The person is asked before anything is joined.
    Invited {
        /// The link, as it can be joined.
        invite: String,
        /// Its room.
        room: String,
    },
    /// The person wants to share a screen, and is asked which one.
    Share,
    /// There is a newer version, which can be installed.
    Update {
        /// Which.
        version: String,
    },
}

/// More than a person would read.
const WAITING_LIMIT: usize = 8;

/// The way to whatever page is there. What is said while there is none waits for the next one.
#[derive(Default)]
pub struct PageLine(Mutex<Line>);

#[derive(Default)]
struct Line {
    page: Option<Channel<News>>,
    waiting: Vec<News>,
}

impl PageLine {
    /// Tells the page, or the next one.
    pub fn tell(&self, news: News) {
        self.0.lock().tell(news);
    }

    /// Tells the page what went wrong, or the next one.
    pub fn tell_problem(&self, problem: Problem) {
        self.tell(News::Problem { problem });
    }

    /// This is the page from now on.
    pub fn attach(&self, page: Channel<News>) {
        let mut line = self.0.lock();
        line.page = Some(page);
        for news in std::mem::take(&mut line.waiting) {
            line.tell(news);
        }
    }
}

impl Line {
    fn tell(&mut self, news: News) {
        let told = self.page.as_ref().is_some_and(|page| page.send(news.clone()).is_ok());
        if !told && self.waiting.len() < WAITING_LIMIT {
            self.waiting.push(news);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use maru_engine::Sentence;
    use tauri::ipc::InvokeResponseBody;

    use super::*;

    #[test]
    fn what_is_said_before_there_is_a_page_is_told_to_the_first_one_once() {
        let line = PageLine::default();
        line.tell_problem(Problem::new(Sentence::SettingsNewer {}, "Newer."));
        let heard = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..2 {
            let heard = heard.clone();
            line.attach(Channel::new(move |body| {
                let InvokeResponseBody::Json(text) = body else { panic!("no JSON") };
                heard.lock().push(text);
                Ok(())
            }));
        }
        let heard = heard.lock();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("settings_newer"), "{heard:?}");
    }
}
