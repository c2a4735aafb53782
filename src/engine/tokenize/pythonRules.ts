import {
  BertNormalizer,
  BertPreTokenizer,
  ByteLevelPreTokenizer,
  LowercaseNormalizer,
  type Normalizer,
  type PreTokenizer,
  SequenceNormalizer,
  SequencePreTokenizer,
  type Tokenizer,
} from '@huggingface/tokenizers';

// Where @huggingface/tokenizers 0.2 gives other tokens than Python's tokenizers, and what gives the same. The rules were
// compared on every code point of Unicode. What is left over are signs that Unicode added after version 8, which Python's
// BERT tokenizer doesn't know yet: 509 combining marks, 143 punctuation marks and 20 format characters of rare scripts.

/**
 * Ideographs that BERT takes for words of their own. The fifth range begins where Python's does, not at U+2B820 as in
 * BERT's own code.
 */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
/** Characters that BERT drops: control, format and private use but tab and line ends, NUL and U+FFFD. */
const DROPPED = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\ufffd]/gu;
/** Words and single punctuation marks, as BERT splits them. JavaScript's \s has U+FEFF too many and U+0085 too few. */
const BERT_WORD = /[^\p{White_Space}\p{P}!-/:-@[-`{-~]+|[\p{P}!-/:-@[-`{-~]/gu;
/** Words with the space before them, as GPT-2 splits them. */
const BYTE_LEVEL_WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Makes a tokenizer split texts as Python's does. */
export function followPython(tokenizer: Tokenizer): void {
  tokenizer.normalizer = normalizerOfPython(tokenizer.normalizer);
  correctSplitting(tokenizer.pre_tokenizer);
}

function normalizerOfPython(normalizer: Normalizer | null): Normalizer | null {
  if (normalizer instanceof BertNormalizer) return new PythonBertNormalizer(normalizer.config);
  if (normalizer instanceof LowercaseNormalizer) return new PythonLowercase(normalizer.config);
  if (normalizer instanceof SequenceNormalizer) normalizer.normalizers = normalizer.normalizers.map(normalizerOfPython);
  return normalizer;
}

function correctSplitting(preTokenizer: PreTokenizer | null): void {
  if (preTokenizer instanceof BertPreTokenizer) preTokenizer.pattern = BERT_WORD;
  if (preTokenizer instanceof ByteLevelPreTokenizer) preTokenizer.pattern = BYTE_LEVEL_WORD;
  if (preTokenizer instanceof SequencePreTokenizer) preTokenizer.tokenizers.forEach(correctSplitting);
}

class PythonLowercase extends LowercaseNormalizer {
  override normalize(text: string): string {
    return lowercase(text);
  }
}

/** The library knows ideographs beyond U+FFFF not, and takes the accents off after lower case instead of before. */
class PythonBertNormalizer extends BertNormalizer {
  override normalize(text: string): string {
    const { clean_text, handle_chinese_chars, lowercase: lower, strip_accents } = this.config;
    let result = text;
    if (clean_text) result = result.replace(DROPPED, '').replace(/\p{White_Space}/gu, ' ');
    if (handle_chinese_chars) result = result.replace(IDEOGRAPH, ' $& ');
    if (strip_accents ?? lower) result = result.normalize('NFD').replace(/\p{Mn}/gu, '');
    return lower ? lowercase(result) : result;
  }
}

/** Character by character: a sigma at the end of a word stays σ. */
function lowercase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join('');
}
