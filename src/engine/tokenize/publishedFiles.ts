// Snapshots from before tokenizer.json hold only a vocabulary: what Python builds from these files, built here.

/** BERT: `vocab.txt`, one token a line, the line's number its id. */
export function bertTokenizer(vocabulary: string, lowercase: boolean, stripAccents: boolean | null): object {
  const tokens = vocabulary.split('\n').map((line) => line.replace(/\r$/, ''));
  if (tokens.at(-1) === '') tokens.pop();
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = (token: string, type: number) => ({ SpecialToken: { id: token, type_id: type } });
  const sequence = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } });
  const single = [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)];
  return {
    added_tokens: specialTokens(vocab, ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: stripAccents,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'TemplateProcessing', single, pair: [...single, sequence('B', 1), special('[SEP]', 1)] },
    decoder: { type: 'WordPiece', prefix: '##' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

/** GPT-2, RoBERTa and BART, CLIP: `vocab.json` and `merges.txt`. Which of them it is, the special tokens say. */
export function byteLevelTokenizer(
  vocab: Readonly<Record<string, number>>,
  mergesFile: string,
  addPrefixSpace: boolean,
): object {
  const merges = mergesFile
    .split('\n')
    .map((line) => line.trim())
    .filter((line, index) => line !== '' && !(index === 0 && line.startsWith('#version')))
    .map((line) => line.split(' '));
  const clip = '<|startoftext|>' in vocab;
  const roberta = '<s>' in vocab && '</s>' in vocab;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  const around = (start: string, end: string) => ({
    type: 'RobertaProcessing',
    cls: [start, vocab[start]],
    sep: [end, vocab[end]],
  });
  const common = {
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges, unk_token: null, end_of_word_suffix: clip ? '</w>' : '' },
  };
  if (clip) {
    const words =
      "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
    return {
      ...common,
      added_tokens: specialTokens(vocab, ['<|startoftext|>', '<|endoftext|>']),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFC' },
          { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
          { type: 'Lowercase' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: words }, behavior: 'Removed', invert: true },
          { ...byteLevel, add_prefix_space: false },
        ],
      },
      post_processor: around('<|startoftext|>', '<|endoftext|>'),
    };
  }
  return {
    ...common,
    added_tokens: specialTokens(vocab, roberta ? ['<s>', '<pad>', '</s>', '<unk>', '<mask>'] : ['<|endoftext|>']),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: roberta ? around('<s>', '</s>') : byteLevel,
  };
}

/** Those of the special tokens that the vocabulary has; only RoBERTa's mask takes the space before it along. */
function specialTokens(vocab: Readonly<Record<string, number>>, contents: readonly string[]): object[] {
  return contents.flatMap((content) => {
    const id = vocab[content];
    return id === undefined ? [] : [{ id, content, special: true, normalized: false, lstrip: content === '<mask>' }];
  });
}
