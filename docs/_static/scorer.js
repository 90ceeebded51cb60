// The scores of Sphinx, with records of decisions and of changes below pages to learn from.
var Scorer = {
  score: ([page, title, anchor, description, score]) =>
    /^(adr\/|changelog|benchmarks|architecture)/.test(page) ? score - 10 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
