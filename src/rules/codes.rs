//! The code of every finding of a rule file, with one line on what it is about. Codes are stable: one is never given a new meaning.

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*
        /// Every code with its title, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

codes! {
    SYNTAX = "R001", "The file is not YAML";
    FILE_SIZE = "R002", "A file is too large";
    DEPTH = "R003", "Lists and maps are nested too deep";
    CHARACTER = "R004", "An invisible character, or a tab in the indentation";
    TAG = "R005", "A YAML tag";
    ANCHOR = "R006", "A YAML anchor or alias";
    MERGE_KEY = "R007", "A YAML merge key";
    DUPLICATE_KEY = "R008", "A key stands twice in a map";
    KEY_NOT_TEXT = "R009", "A key is not text";
    DOCUMENTS = "R010", "Several YAML documents in one file";
    UNQUOTED = "R011", "A template without quotes";
    INEXACT_NUMBER = "R012", "A number that cannot be kept exactly";
    FILE_NAME = "R013", "A name of a file that rules cannot have";
    UNREADABLE = "R014", "A file that cannot be read";
    TOO_MANY_FILES = "R015", "The workspace is too large";
    UNKNOWN_KEY = "R020", "An unknown key";
    FOREIGN_WORD = "R021", "A word of another tool";
    MISSING_KEY = "R022", "A key is missing";
    WRONG_TYPE = "R023", "A value of the wrong type";
    RANGE = "R024", "A value out of its range";
    DURATION = "R025", "Not a duration";
    NAME = "R026", "A name that cannot be taken";
    STEP_KIND = "R027", "A step must do exactly one thing";
    NO_MEANING = "R028", "A key that means nothing here";
    CHOICE = "R029", "Not one of the known words";
    UNKNOWN_EVENT = "R030", "An unknown event type";
    UNKNOWN_SERVICE = "R031", "An unknown service";
    UNKNOWN_ACTION = "R032", "An unknown action";
    UNKNOWN_INPUT = "R033", "An unknown input of an action";
    MISSING_INPUT = "R034", "A required input is missing";
    INPUT_VALUE = "R035", "A value that an input cannot take";
    UNKNOWN_CONNECTION = "R036", "An unknown connection";
    UNKNOWN_HOURS = "R037", "Unknown hours";
    PATH = "R040", "Not a path";
    UNKNOWN_ROOT = "R041", "An unknown name";
    NOT_IN_SCHEMA = "R042", "The payload has no such place";
    NEVER = "R043", "A condition that can never hold";
    OPTIONAL = "R044", "A value that may be missing is used without a default";
    UNTRUSTED = "R045", "A stranger's value decides what is acted on";
    UNKNOWN_OPERATOR = "R046", "An unknown operator";
    OPERAND = "R047", "A value that an operator cannot take";
    PATTERN = "R048", "A pattern that cannot be taken";
    UNKNOWN_STEP = "R050", "No step has this id";
    DUPLICATE_ID = "R051", "Two steps have one id";
    UNSURE_RESULT = "R052", "A result is used that may not be there";
    UNKNOWN_VAR = "R053", "An unknown var";
    VAR_CYCLE = "R054", "Vars need each other in a circle";
    VAR_TWICE = "R055", "A var has the name of one in bellwire.toml";
    UNKNOWN_FIELD = "R056", "A name that is not there";
    SECRET = "R057", "A secret in a rule";
    TEMPLATE = "R060", "A fault in a template";
    URL_HOST = "R061", "The host of a URL comes from an event";
    NOT_LITERAL = "R062", "A template where only a literal can stand";
    URL = "R063", "Not a URL that can be called";
    HEADER = "R064", "A header that a rule cannot set";
    TOO_MANY_STEPS = "R070", "Too many steps";
    SAME_NAME = "R071", "Two rules have one name";
    EXCLUSIVE = "R072", "Words that exclude each other";
    WAIT_KEY = "R073", "A wait that its event cannot be found by";
    SHADOWED = "R074", "A name that hides another";
    CONSTANT_KEY = "R075", "A key that is the same for every event";
    EMIT_TYPE = "R076", "An event type that a rule cannot emit";
    CRON = "R077", "A cron expression that cannot be read";
    TIMEZONE = "R078", "An unknown time zone";
    ATTRIBUTE = "R079", "A name that an attribute of a profile cannot have";
    UNKNOWN_SECRET = "R080", "A secret that is not there";
    CONTRADICTION = "R081", "Conditions that can never hold together";
    NEVER_KEPT = "R082", "A header or query value that is never kept";
    CIRCLE = "R083", "Rules that start each other in a circle";
    NO_READ_BACK = "R088", "An unknown outcome that nothing can verify";
    NO_READ = "R089", "A poll that is no read";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0), "{ALL:?}");
    }
}
