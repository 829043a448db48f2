# Adds counts to the row of a fuzz target, or of the generated models, in the tables of SECURITY.md:
#   awk -v name=receipt -v commit=0123456789ab -v counts="EXECUTIONS SECONDS CRASHES" -f … SECURITY.md
# The last cell is the commit. Counts of another commit are replaced.

function grouped(n, out) {
    n = sprintf("%.0f", n)
    while (length(n) > 3) {
        out = "," substr(n, length(n) - 2) out
        n = substr(n, 1, length(n) - 3)
    }
    return n out
}

BEGIN { n_new = split(counts, new, " ") }

$0 ~ "^\\| `" name "` \\|" {
    n_cells = split($0, cells, / *\| */)
    is_same = cells[n_cells - 1] == "`" commit "`"
    # A target's rate follows from its counts and stands after the seconds.
    row = "| `" name "` |"
    for (i = 1; i <= n_new; i++) {
        cell = 2 + i + (name != "models" && i > 2)
        old = cells[cell]
        gsub(",", "", old)
        sum[i] = new[i] + (is_same ? old : 0)
        row = row " " grouped(sum[i]) " |"
        if (name != "models" && i == 2)
            row = row " " grouped(sum[2] ? sum[1] / sum[2] : 0) " |"
    }
    print row " `" commit "` |"
    found = 1
    next
}

{ print }

END {
    if (!found) {
        print "no row for " name > "/dev/stderr"
        exit 1
    }
}
